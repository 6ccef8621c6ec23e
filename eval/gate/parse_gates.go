package gate

import (
	"regexp"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/yamlfile"
	"go.yaml.in/yaml/v4"
)

var gateID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (d *policyDecoder) gate(n *yaml.Node, key string) error {
	g := Gate{Scope: ScopeAll, Confidence: DefaultConfidence, Level: report.Error, OnNoise: Skip, Line: n.Line}
	var value, margin *yaml.Node
	keep := func(to **yaml.Node) yamlfile.Field { return func(n *yaml.Node, _ string) error { *to = n; return nil } }
	err := d.Fields(n, key, map[string]yamlfile.Field{
		"id":     d.Parsed("at most 64 letters, digits, '.', '_' or '-'", func(s string) bool { g.ID = s; return gateID.MatchString(s) }),
		"metric": d.Parsed(metricsHelp(), func(s string) (ok bool) { g.Metric, ok = metric(s); return ok }),
		"scope": d.Parsed("all, worst_slice or slice:NAME", func(s string) bool {
			g.Scope = s
			return s == ScopeAll || s == ScopeWorst || strings.HasPrefix(s, scopeSlice) && len(s) > len(scopeSlice)
		}),
		"op":         d.OneOf(&g.Op, AtMost, AtLeast),
		"value":      keep(&value),
		"rel_margin": keep(&margin),
		"confidence": d.Number(&g.Confidence, "from 0.5 to 0.9999", func(v float64) bool { return 0.5 <= v && v <= 0.9999 }),
		"vs":         d.OneOf(&g.Versus, VersusBaseline, VersusControl),
		"level":      d.OneOf(&g.Level, report.Error, report.Warn),
		"on_noise":   d.OneOf(&g.OnNoise, Skip, Fail),
	})
	if err != nil {
		return err
	}
	m, ok := report.Named(g.Metric)
	switch {
	case !ok:
		return d.Errorf(n, key+".metric", "missing, expected %s", metricsHelp())
	case g.Scope != ScopeAll && m.Kind != report.OfText:
		return d.Errorf(n, key+".scope", "found %q, expected all: %s has no slices", g.Scope, g.Metric)
	case g.Versus == VersusControl && !d.p.Control.Set():
		return d.Errorf(n, key+".vs", "found control, expected a control in the policy: control: llamacpp-q4_k_m")
	case g.Versus == "" && margin != nil:
		return d.Errorf(margin, key+".rel_margin", "found without vs, expected vs: baseline or vs: control")
	case g.Versus != "" && value != nil:
		return d.Errorf(value, key+".value", "found together with vs, expected rel_margin")
	case g.Versus != "" && margin == nil:
		return d.Errorf(n, key+".rel_margin", "missing, expected the allowed relative difference, such as 0.03")
	case g.Versus == "" && value == nil:
		return d.Errorf(n, key+".value", "missing, expected the bound")
	case g.Versus != "" && m.Absolute:
		return d.Errorf(n, key+".vs", "found %q, expected no vs: %s has no relative difference", g.Versus, g.Metric)
	}
	if g.Op == "" {
		g.Op = AtMost
		if m.Higher {
			g.Op = AtLeast
		}
	}
	if g.ID == "" {
		g.ID = g.Metric
	}
	if slices.ContainsFunc(d.p.Gates, func(o Gate) bool { return o.ID == g.ID }) {
		return d.Errorf(n, key+".id", "found %q again, expected distinct ids", g.ID)
	}
	if g.Versus != "" {
		err = d.Number(&g.Value, "a relative difference between -1 and 100, such as 0.03 for 3 %", func(v float64) bool { return -1 <= v && v <= 100 })(margin, key+".rel_margin")
	} else {
		err = d.bound(&g)(value, key+".value")
	}
	d.p.Gates = append(d.p.Gates, g)
	return err
}

// bound reads a number, or "target" for the size that the target sets.
func (d *policyDecoder) bound(g *Gate) yamlfile.Field {
	return func(n *yaml.Node, key string) error {
		if n.Kind != yaml.ScalarNode || n.Value != "target" {
			return d.Number(&g.Value, "a number, or target for sizes", func(float64) bool { return true })(n, key)
		}
		t := d.p.Target
		switch {
		case g.Metric == "bytes" && t.MaxBytes > 0:
			g.Value = float64(t.MaxBytes)
		case g.Metric == "bits_per_weight" && t.MaxBPW > 0:
			g.Value = t.MaxBPW
		case g.Metric == "bytes":
			return d.Errorf(n, key, "found target, expected target.max_bytes in the policy")
		case g.Metric == "bits_per_weight":
			return d.Errorf(n, key, "found target, expected target.bpw in the policy")
		default:
			return d.Errorf(n, key, "found target, expected a number: only bytes and bits_per_weight have a target")
		}
		return nil
	}
}

func (d *policyDecoder) waiver(n *yaml.Node, key string) error {
	var w Waiver
	err := d.Fields(n, key, map[string]yamlfile.Field{
		"gate": d.Parsed("the id of a gate of this policy", func(s string) bool {
			w.Gate = s
			return slices.ContainsFunc(d.p.Gates, func(g Gate) bool { return g.ID == s })
		}),
		"until":  d.Date(&w.Until),
		"reason": d.Text(&w.Reason),
	})
	switch {
	case err != nil:
		return err
	case w.Gate == "" || w.Until == "" || w.Reason == "":
		return d.Errorf(n, key, "found gate %q, until %q and reason %q, expected all three", w.Gate, w.Until, w.Reason)
	}
	d.p.Allow = append(d.p.Allow, w)
	return nil
}
