package gate

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/task"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
	"go.yaml.in/yaml/v4"
)

// Bounds of what a policy may say.
const (
	maxFileBytes = 1 << 20
	maxTokens    = 1 << 40
	maxGates     = 1000
	maxContext   = 1 << 24
)

// Load reads a policy file. Paths in it stay as they are: they are relative to where carat runs.
func Load(path string) (*Policy, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicy, err)
	}
	defer f.Close()
	return Parse(filepath.Base(path), f)
}

// Parse reads a policy, YAML or JSON. name is for messages, which say the line. Errors wrap ErrPolicy.
func Parse(name string, r io.Reader) (*Policy, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFileBytes {
		return nil, fmt.Errorf("%w: %s: more than %d bytes", ErrPolicy, name, maxFileBytes)
	}
	var doc, more yaml.Node
	y := yaml.NewDecoder(bytes.NewReader(b))
	if err := y.Decode(&doc); err != nil && err != io.EOF {
		return nil, fmt.Errorf("%w: %s: no YAML or JSON: %w", ErrPolicy, name, err)
	}
	if len(doc.Content) != 1 {
		return nil, fmt.Errorf("%w: %s: empty; `carat gate --print-policy` prints one to start from", ErrPolicy, name)
	}
	if err := y.Decode(&more); err != io.EOF {
		return nil, fmt.Errorf("%w: %s: more than one document: a policy is one", ErrPolicy, name)
	}
	sum := sha256.Sum256(b)
	p := &Policy{Name: name, SHA256: hex.EncodeToString(sum[:])}
	d := &policyDecoder{decoder{name}, p}
	if err := d.policy(doc.Content[0]); err != nil {
		return nil, err
	}
	return p, nil
}

type policyDecoder struct {
	decoder
	p *Policy
}

func (d *policyDecoder) policy(root *yaml.Node) error {
	p := d.p
	version, capped := "", 0
	var gates, allow *yaml.Node
	later := func(to **yaml.Node) field { return func(n *yaml.Node, _ string) error { *to = n; return nil } }
	err := d.fields(root, "", map[string]field{
		"version":      d.oneOf(&version, fmt.Sprint(Version)),
		"profile":      d.oneOf(&p.Profile, profileNames()...),
		"tokens":       d.tokens(&p.Tokens, 1),
		"max_tokens":   d.tokens(&p.MaxTokens, 1),
		"ctx":          d.context(&p.Context),
		"model":        d.model,
		"target":       d.target,
		"data":         d.data,
		"reference":    d.reference,
		"baseline":     d.baseline,
		"control":      d.control,
		"gates":        later(&gates),
		"inconclusive": d.inconclusive(&capped),
		"allow":        later(&allow),
	})
	switch {
	case err != nil:
		return err
	case version == "":
		return d.errorf(root, "version", "missing, expected version: %d", Version)
	case gates == nil:
		return d.errorf(root, "gates", "missing, expected a list of gates")
	}
	if err := d.list(d.gate)(gates, "gates"); err != nil { // needs the target
		return err
	}
	if len(p.Gates) == 0 || len(p.Gates) > maxGates {
		return d.errorf(gates, "gates", "found %d, expected 1 to %d", len(p.Gates), maxGates)
	}
	p.gateFindings()
	if allow != nil {
		if err := d.list(d.waiver)(allow, "allow"); err != nil { // needs the gates
			return err
		}
	}
	return d.fill(root, capped)
}

// fill sets what is not stated.
func (d *policyDecoder) fill(root *yaml.Node, capped int) error {
	p := d.p
	p.Profile = cmp.Or(p.Profile, "pr")
	p.Inconclusive = cmp.Or(p.Inconclusive, MoreData)
	i := slices.IndexFunc(profiles, func(f profile) bool { return f.name == p.Profile })
	stated := p.Tokens > 0
	p.Tokens = cmp.Or(p.Tokens, profiles[i].tokens)
	switch {
	case p.MaxTokens > 0 && capped > 0 && p.MaxTokens != capped:
		return d.errorf(root, "max_tokens", "found %d here and %d at inconclusive, expected one", p.MaxTokens, capped)
	case p.MaxTokens > 0 || capped > 0:
		p.MaxTokens = cmp.Or(p.MaxTokens, capped)
		if !stated {
			p.Tokens = min(p.Tokens, p.MaxTokens)
		}
	case p.Inconclusive == MoreData:
		p.MaxTokens = max(p.Tokens, profiles[i].maxTokens)
	default:
		p.MaxTokens = p.Tokens
	}
	if p.MaxTokens < p.Tokens {
		return d.errorf(root, "max_tokens", "found %d, expected at least tokens, %d", p.MaxTokens, p.Tokens)
	}
	p.Context = cmp.Or(p.Context, 512)
	return nil
}

func profileNames() []string {
	var out []string
	for _, p := range profiles {
		out = append(out, p.name)
	}
	return out
}

func (d *policyDecoder) context(out *int) field {
	return func(n *yaml.Node, key string) error {
		var v int64
		err := d.count(&v, 4, maxContext)(n, key)
		*out = int(v)
		return err
	}
}

var moreData = regexp.MustCompile(`^more_data(?:\( *max_tokens *= *([0-9_]+) *\))?$`)

// inconclusive reads fail, warn, more_data or more_data(max_tokens=N).
func (d *policyDecoder) inconclusive(capped *int) field {
	return func(n *yaml.Node, key string) error {
		if m := moreData.FindStringSubmatch(n.Value); m != nil && n.Kind == yaml.ScalarNode {
			d.p.Inconclusive = MoreData
			if m[1] == "" {
				return nil
			}
			at := *n
			at.Value = m[1]
			return d.tokens(capped, 1)(&at, key+".max_tokens")
		}
		return d.oneOf(&d.p.Inconclusive, Fail, Warn, MoreData, "more_data(max_tokens=N)")(n, key)
	}
}

func (d *policyDecoder) model(n *yaml.Node, key string) error {
	m := &d.p.Model
	return d.fields(n, key, map[string]field{
		"source":      d.text(&m.Source),
		"expect_arch": d.text(&m.ExpectArch),
		"require": d.list(d.parsed("one of "+strings.Join(slices.Sorted(maps.Keys(required)), ", ")+", or a metadata key such as general.name",
			func(s string) bool {
				m.Require = append(m.Require, s)
				return required[s] != "" || strings.Contains(s, ".")
			})),
	})
}

func (d *policyDecoder) target(n *yaml.Node, key string) error {
	t := &d.p.Target
	err := d.fields(n, key, map[string]field{
		"type": d.parsed("a file type such as Q4_K_M", func(s string) bool {
			t.Type = strings.ToUpper(s)
			f, err := recipe.ParseFileType(s)
			return err == nil && f != recipe.Copy
		}),
		"recipe":    d.text(&t.Recipe),
		"imatrix":   d.text(&t.Imatrix),
		"max_bytes": d.count(&t.MaxBytes, 1, 1<<60),
		"bpw":       d.number(&t.MaxBPW, "bits per weight above 0, to 64", func(v float64) bool { return 0 < v && v <= 64 }),
		"types":     d.types,
		"min_type": d.pairs(func(k, v *yaml.Node, key string) error {
			m := MinType{Tensor: k.Value, Line: k.Line}
			t.MinType = append(t.MinType, m)
			return d.tensorType(&t.MinType[len(t.MinType)-1].Type)(v, key)
		}),
	})
	if err == nil && t.MaxBytes > 0 && t.MaxBPW > 0 {
		return d.errorf(n, key, "found max_bytes and bpw, expected one of them")
	}
	if err == nil && t.Type != "" && t.Recipe != "" {
		return d.errorf(n, key, "found type and recipe, expected one of them: a recipe names its type")
	}
	return err
}

func (d *policyDecoder) tensorType(out *gguf.Type) field {
	return d.parsed("a tensor type such as Q5_0", func(s string) bool {
		var err error
		*out, err = gguf.ParseType(s)
		return err == nil
	})
}

// types reads a list of tensor types or the name of a set.
func (d *policyDecoder) types(n *yaml.Node, key string) error {
	t := &d.p.Target
	if n.Kind == yaml.SequenceNode {
		return d.list(func(n *yaml.Node, key string) error {
			t.Types = append(t.Types, 0)
			return d.tensorType(&t.Types[len(t.Types)-1])(n, key)
		})(n, key)
	}
	return d.parsed("a list of tensor types or one of "+strings.Join(slices.Sorted(maps.Keys(typeSets)), ", "), func(s string) bool {
		t.TypesName, t.Types = s, typeSets[s]
		return t.Types != nil
	})(n, key)
}

func (d *policyDecoder) data(n *yaml.Node, key string) error {
	t := &d.p.Data
	return d.fields(n, key, map[string]field{
		"calib": d.parsed("a path or sha256: and 64 hexadecimal digits", func(s string) bool {
			if sum, ok := strings.CutPrefix(s, "sha256:"); ok {
				t.CalibrationSHA256 = strings.ToLower(sum)
				return isSHA256(sum)
			}
			t.Calibration = s
			return s != ""
		}),
		"eval":           d.list(d.evalText),
		"tasks":          d.list(d.task),
		"forbid_overlap": d.yes(&t.ForbidOverlap),
	})
}

func (d *policyDecoder) evalText(n *yaml.Node, key string) error {
	t := Text{Line: n.Line}
	err := d.fields(n, key, map[string]field{
		"name":        d.text(&t.Name),
		"path":        d.text(&t.Path),
		"sha256":      d.sha256(&t.SHA256),
		"tokens":      d.tokens(&t.Tokens, 1),
		"text_field":  d.text(&t.TextField),
		"slice_field": d.text(&t.SliceField),
	})
	switch {
	case err != nil:
		return err
	case t.Path == "" && t.SHA256 == "":
		return d.errorf(n, key+".path", "missing, expected a file, or its sha256 when the file is given on the command line")
	case t.Name != "" && slices.Contains(d.p.slices(), t.Name):
		return d.errorf(n, key+".name", "found %q again, expected distinct names", t.Name)
	}
	d.p.Data.Eval = append(d.p.Data.Eval, t)
	return nil
}

func (d *policyDecoder) task(n *yaml.Node, key string) error {
	var t Task
	var limit int64
	err := d.fields(n, key, map[string]field{
		"task": d.parsed("a task, as carat tasks --list shows them", func(s string) bool {
			t.Name = s
			_, ok := task.Lookup(s)
			return ok
		}),
		"path":  d.text(&t.Path),
		"limit": d.count(&limit, 1, 1<<30),
	})
	switch {
	case err != nil:
		return err
	case t.Name == "" || t.Path == "":
		return d.errorf(n, key, "a task needs task and path")
	case slices.ContainsFunc(d.p.Data.Tasks, func(o Task) bool { return o.Name == t.Name }):
		return d.errorf(n, key+".task", "found %q again, expected each task once", t.Name)
	}
	t.Limit = int(limit)
	d.p.Data.Tasks = append(d.p.Data.Tasks, t)
	return nil
}

func (d *policyDecoder) reference(n *yaml.Node, key string) error {
	r := &d.p.Reference
	return d.fields(n, key, map[string]field{
		"source": d.text(&r.Source),
		"dtype":  d.oneOf(&r.DType, "f32", "f16", "bf16", "auto"),
	})
}

func (d *policyDecoder) baseline(n *yaml.Node, key string) error {
	b := &d.p.Baseline
	err := d.fields(n, key, map[string]field{
		"report": d.text(&b.Report),
		"sha256": d.sha256(&b.SHA256),
		"release": d.parsed("latest or sha256: and 64 hexadecimal digits", func(s string) bool {
			b.Release = strings.ToLower(strings.TrimPrefix(s, "sha256:"))
			return s == "latest" || isSHA256(b.Release)
		}),
		"control": d.control,
	})
	if err == nil && b.Report != "" && b.Release != "" {
		return d.errorf(n, key, "found report and release, expected one of them")
	}
	return err
}

var controlName = regexp.MustCompile(`^llamacpp-([A-Za-z0-9_]+?)(-imatrix)?$`)

// control reads llamacpp-TYPE, llamacpp-TYPE-imatrix, or a mapping of type, name and imatrix.
func (d *policyDecoder) control(n *yaml.Node, key string) error {
	c := &d.p.Control
	if c.Set() {
		return d.errorf(n, key, "a second control, expected one, at control or baseline.control")
	}
	if n.Kind != yaml.MappingNode {
		return d.parsed("llamacpp-TYPE or llamacpp-TYPE-imatrix, as llamacpp-q4_k_m", func(s string) bool {
			m := controlName.FindStringSubmatch(s)
			if m == nil {
				return false
			}
			var err error
			c.Type, err = recipe.ParseFileType(m[1])
			c.Name, c.Imatrix = s, m[2] != ""
			return err == nil && c.Type != recipe.Copy
		})(n, key)
	}
	typed := false
	err := d.fields(n, key, map[string]field{
		"name": d.text(&c.Name),
		"type": d.parsed("a file type such as Q4_K_M", func(s string) bool {
			var err error
			c.Type, err = recipe.ParseFileType(s)
			typed = true
			return err == nil && c.Type != recipe.Copy
		}),
		"imatrix": d.yes(&c.Imatrix),
	})
	switch {
	case err != nil:
		return err
	case !typed:
		return d.errorf(n, key+".type", "missing, expected a file type such as Q4_K_M")
	case c.Name == "":
		c.Name = "llamacpp-" + strings.ToLower(c.Type.String())
		if c.Imatrix {
			c.Name += "-imatrix"
		}
	}
	return nil
}

var gateID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (d *policyDecoder) gate(n *yaml.Node, key string) error {
	g := Gate{Scope: ScopeAll, Confidence: DefaultConfidence, Level: report.Error, OnNoise: Skip, Line: n.Line}
	var value, margin *yaml.Node
	keep := func(to **yaml.Node) field { return func(n *yaml.Node, _ string) error { *to = n; return nil } }
	err := d.fields(n, key, map[string]field{
		"id":     d.parsed("letters, digits, . _ and -, at most 64", func(s string) bool { g.ID = s; return gateID.MatchString(s) }),
		"metric": d.parsed(metricsHelp(), func(s string) bool { g.Metric = s; _, ok := metricOf(s); return ok }),
		"scope": d.parsed("all, worst_slice or slice:NAME", func(s string) bool {
			g.Scope = s
			return s == ScopeAll || s == ScopeWorst || strings.HasPrefix(s, scopeSlice) && len(s) > len(scopeSlice)
		}),
		"op":         d.oneOf(&g.Op, AtMost, AtLeast),
		"value":      keep(&value),
		"rel_margin": keep(&margin),
		"confidence": d.number(&g.Confidence, "from 0.5 to 0.9999", func(v float64) bool { return 0.5 <= v && v <= 0.9999 }),
		"vs":         d.oneOf(&g.Versus, VersusBaseline, VersusControl),
		"level":      d.oneOf(&g.Level, report.Error, report.Warn),
		"on_noise":   d.oneOf(&g.OnNoise, Skip, Fail),
	})
	if err != nil {
		return err
	}
	m, ok := metricOf(g.Metric)
	switch {
	case !ok:
		return d.errorf(n, key+".metric", "missing, expected %s", metricsHelp())
	case g.Scope != ScopeAll && m.kind != ofText:
		return d.errorf(n, key+".scope", "found %q, expected all: %s has no slices", g.Scope, g.Metric)
	case g.Versus == VersusControl && !d.p.Control.Set():
		return d.errorf(n, key+".vs", "found control, expected a control in the policy: control: llamacpp-q4_k_m")
	case g.Versus == "" && margin != nil:
		return d.errorf(margin, key+".rel_margin", "found without vs, expected vs: baseline or vs: control")
	case g.Versus != "" && value != nil:
		return d.errorf(value, key+".value", "found beside vs, expected rel_margin")
	case g.Versus != "" && margin == nil:
		return d.errorf(n, key+".rel_margin", "missing, expected the relative difference allowed, as 0.03")
	case g.Versus == "" && value == nil:
		return d.errorf(n, key+".value", "missing, expected the bound")
	case g.Versus != "" && m.absolute:
		return d.errorf(n, key+".vs", "found %q, expected no vs: %s has no relative difference", g.Versus, g.Metric)
	}
	if g.Op == "" {
		g.Op = AtMost
		if m.higher {
			g.Op = AtLeast
		}
	}
	if g.ID == "" {
		g.ID = g.Metric
	}
	if slices.ContainsFunc(d.p.Gates, func(o Gate) bool { return o.ID == g.ID }) {
		return d.errorf(n, key+".id", "found %q again, expected distinct ids", g.ID)
	}
	if g.Versus != "" {
		err = d.number(&g.Value, "a relative difference from -1 to 100, as 0.03 for 3 %", func(v float64) bool { return -1 <= v && v <= 100 })(margin, key+".rel_margin")
	} else {
		err = d.bound(&g)(value, key+".value")
	}
	d.p.Gates = append(d.p.Gates, g)
	return err
}

// bound reads a number, or "target" for the size that the target sets.
func (d *policyDecoder) bound(g *Gate) field {
	return func(n *yaml.Node, key string) error {
		if n.Kind != yaml.ScalarNode || n.Value != "target" {
			return d.number(&g.Value, "a number, or target for sizes", func(float64) bool { return true })(n, key)
		}
		t := d.p.Target
		switch {
		case g.Metric == "bytes" && t.MaxBytes > 0:
			g.Value = float64(t.MaxBytes)
		case g.Metric == "bits_per_weight" && t.MaxBPW > 0:
			g.Value = t.MaxBPW
		case g.Metric == "bytes":
			return d.errorf(n, key, "found target, expected target.max_bytes in the policy")
		case g.Metric == "bits_per_weight":
			return d.errorf(n, key, "found target, expected target.bpw in the policy")
		default:
			return d.errorf(n, key, "found target, expected a number: only bytes and bits_per_weight have a target")
		}
		return nil
	}
}

func (d *policyDecoder) waiver(n *yaml.Node, key string) error {
	var w Waiver
	err := d.fields(n, key, map[string]field{
		"gate": d.parsed("the id of a gate of this policy", func(s string) bool {
			w.Gate = s
			return slices.ContainsFunc(d.p.Gates, func(g Gate) bool { return g.ID == s })
		}),
		"until":  d.date(&w.Until),
		"reason": d.text(&w.Reason),
	})
	switch {
	case err != nil:
		return err
	case w.Gate == "" || w.Until == "" || w.Reason == "":
		return d.errorf(n, key, "found gate %q, until %q and reason %q, expected all three", w.Gate, w.Until, w.Reason)
	}
	d.p.Allow = append(d.p.Allow, w)
	return nil
}
