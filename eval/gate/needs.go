package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Needs says what a policy's gates look at beside predictions.
type Needs struct {
	Speed  bool // figures of a clock, or the memory that running takes
	Load   bool
	Energy bool
	// Tensors are compared with the reference's.
	Tensors bool
}

// Needs looks through the gates.
func (p *Policy) Needs() (n Needs) {
	for _, g := range p.Gates {
		m, _ := metricOf(g.Metric)
		n.Speed = n.Speed || m.kind == ofSpeed || g.Metric == "peak_memory"
		n.Load = n.Load || strings.HasPrefix(g.Metric, "load.")
		n.Energy = n.Energy || strings.HasPrefix(g.Metric, "energy.")
		n.Tensors = n.Tensors || strings.HasPrefix(g.Metric, "tensor.")
	}
	return n
}

// SetProfile takes a profile's numbers of tokens in place of the policy's.
func (p *Policy) SetProfile(name string) error {
	i := slices.IndexFunc(profiles, func(f profile) bool { return f.name == name })
	if i < 0 {
		return fmt.Errorf("%q is not one of %s", name, strings.Join(profileNames(), ", "))
	}
	f := profiles[i]
	p.Profile, p.Tokens, p.MaxTokens = f.name, f.tokens, f.tokens
	if cmp.Or(p.Inconclusive, MoreData) == MoreData {
		p.MaxTokens = f.maxTokens
	}
	return nil
}
