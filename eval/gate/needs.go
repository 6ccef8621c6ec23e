package gate

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/suggest"
)

// Needs says what a policy's gates look at beside predictions.
type Needs struct {
	Speed  bool // figures of a clock, or the memory that running takes
	Load   bool
	Energy bool
	// Tensors are compared with the reference's.
	Tensors bool
	// Parity is with llama.cpp.
	Parity bool
}

// Needs looks through the gates.
func (p *Policy) Needs() (n Needs) {
	for _, g := range p.Gates {
		f, _ := report.Named(g.Metric)
		n.Speed = n.Speed || f.Kind == report.OfSpeed || g.Metric == "peak_memory"
		n.Load = n.Load || strings.HasPrefix(g.Metric, "load.")
		n.Energy = n.Energy || strings.HasPrefix(g.Metric, "energy.")
		n.Tensors = n.Tensors || strings.HasPrefix(g.Metric, "tensor.")
		n.Parity = n.Parity || g.Metric == report.Parity
	}
	return n
}

// asksOfStructure says that the policy states something whose violation is a finding.
func (p *Policy) asksOfStructure() bool {
	return p.Model.ExpectArch != "" || len(p.Model.Require) > 0 || p.Target.Types != nil || len(p.Target.MinType) > 0 ||
		p.Data.ForbidOverlap || p.Data.CalibrationSHA256 != "" || slices.ContainsFunc(p.Data.Eval, func(t Text) bool { return t.SHA256 != "" })
}

// gateFindings adds a gate on findings to a policy that has none and asks for something that would be one: what is
// asked for must have a bearing on the verdict.
func (p *Policy) gateFindings() {
	if !p.asksOfStructure() || slices.ContainsFunc(p.Gates, func(g Gate) bool { return g.Metric == "findings" }) {
		return
	}
	id := "findings"
	for slices.ContainsFunc(p.Gates, func(g Gate) bool { return g.ID == id }) {
		id += "_"
	}
	p.Gates = append(p.Gates, Gate{ID: id, Metric: "findings", Scope: ScopeAll, Op: AtMost, Confidence: DefaultConfidence, Level: report.Error, OnNoise: Skip})
}

// SetProfile takes a profile's numbers of tokens in place of the policy's.
func (p *Policy) SetProfile(name string) error {
	i := slices.IndexFunc(profiles, func(f profile) bool { return f.name == name })
	if i < 0 {
		return errors.New(suggest.OneOf("profile", name, profileNames()))
	}
	f := profiles[i]
	p.Profile, p.Tokens, p.MaxTokens = f.name, f.tokens, f.tokens
	if cmp.Or(p.Inconclusive, MoreData) == MoreData {
		p.MaxTokens = f.maxTokens
	}
	return nil
}

func metricsHelp() string { return "one of " + strings.Join(report.Bounded(), ", ") }

// metric is the name of a figure that gates may bound.
func metric(name string) (string, bool) {
	f, ok := report.Named(name)
	if !ok || f.Kind == report.OfText && !figure.Named(f.Name).Bounded() {
		return name, false
	}
	return f.Name, true
}
