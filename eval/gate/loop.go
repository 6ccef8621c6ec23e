package gate

import (
	"context"
	"fmt"

	"github.com/carat-llm/carat/eval/report"
)

// planned gives the numbers of tokens at which data is looked at: start, and twice as many each time up to max.
func planned(start, max int) []int {
	out := []int{start}
	for n := start; n < max; {
		if n > max/2 {
			n = max
		} else {
			n *= 2
		}
		out = append(out, n)
	}
	return out
}

// Loop runs a policy: it measures, judges, and takes more tokens while gates of level error are inconclusive, to the
// policy's cap.
type Loop struct {
	Policy *Policy
	// Measure gives the report of at least tokens scored, or of all there are, going on from where it was. Tasks and
	// latency must be measured once: only figures of text take the looks into account.
	Measure func(ctx context.Context, tokens int) (*report.Report, error)
	// Candidate is the index of the one that is judged.
	Candidate int
	Baseline  *report.Report // may be nil
	Today     string         // as in Options
	WarnOnly  bool
	// Available is the number of tokens that there are to score; 0 when not known. It keeps looks that cannot
	// happen out of the plan, each of which would cost certainty.
	Available int
}

// Run returns the report with its Gate. When measuring fails, it returns what Measure gave, without a verdict.
func (l *Loop) Run(ctx context.Context) (*report.Report, error) {
	start, end := l.Policy.Tokens, l.Policy.MaxTokens
	if l.Available > 0 {
		start, end = min(start, l.Available), min(end, l.Available)
	}
	plan := planned(start, end)
	last := -1
	for i, tokens := range plan {
		r, err := l.Measure(ctx, tokens)
		if err != nil {
			return r, err
		}
		if r == nil {
			return nil, fmt.Errorf("bug: no report of %d tokens", tokens)
		}
		g, err := Judge(l.Policy, r, l.Candidate, l.Baseline, Options{
			Look: Look{i + 1, len(plan)}, Today: l.Today, WarnOnly: l.WarnOnly,
		})
		if err != nil {
			return r, err
		}
		r.Gate = g
		if conclusive(g) || i+1 == len(plan) || g.Tokens <= last {
			return r, nil
		}
		last = g.Tokens
	}
	return nil, fmt.Errorf("bug: a plan without looks")
}
