package gate

import (
	"fmt"

	"github.com/carat-llm/carat/eval/report"
)

// MinChunks is the least number of chunks, of the slice that is judged, that give a verdict. Below it the rates of
// error are not the stated ones.
const MinChunks = 4

// Exit codes of verdicts.
const (
	ExitPass         = 0
	ExitFail         = 1
	ExitInconclusive = 3
	ExitNotMeasured  = 5
)

// Look says which of the planned looks at the data this is, from 1. The zero Look is the only one.
type Look struct{ Number, Planned int }

func (l Look) planned() float64 { return float64(max(1, l.Planned)) }

// Options of a judgement.
type Options struct {
	Look Look
	// Today is the date against which waivers expire, 2026-12-31. A waiver holds for the whole of its last day.
	Today string
	// WarnOnly makes the exit codes 1 and 3 into 0.
	WarnOnly bool
}

// judgement is one look at a report.
type judgement struct {
	policy    *Policy
	report    *report.Report
	candidate int
	baseline  *report.Report
	options   Options
}

// Judge decides which gates hold for a candidate of a report. baseline may be nil. The package comment gives the
// meaning of the verdicts and how often they are wrong.
func Judge(p *Policy, r *report.Report, candidate int, baseline *report.Report, o Options) (*report.Gate, error) {
	if candidate < 0 || candidate >= len(r.Candidates) {
		return nil, fmt.Errorf("no candidate %d: the report has %d", candidate, len(r.Candidates))
	}
	j := &judgement{p, r, candidate, baseline, o}
	c := &r.Candidates[candidate]
	g := &report.Gate{
		Policy: p.Name, PolicySHA256: p.SHA256, Candidate: c.Name, Profile: p.Profile,
		MaxTokens: p.MaxTokens, Looks: max(1, o.Look.Number),
	}
	for i := range c.Chunks {
		g.Tokens += c.Chunks[i].Tokens
	}
	trials := make([]*trial, len(p.Gates))
	for i := range p.Gates {
		trials[i] = j.try(&p.Gates[i])
	}
	holm(trials)
	for _, t := range trials {
		g.Gates = append(g.Gates, t.result())
	}
	j.waive(g)
	conclude(p, g, o.WarnOnly)
	return g, nil
}

// waive marks the gates that may fail for now.
func (j *judgement) waive(g *report.Gate) {
	for _, w := range j.policy.Allow {
		out := report.Waiver{Gate: w.Gate, Until: w.Until, Reason: w.Reason, Expired: w.Until < j.options.Today}
		g.Waivers = append(g.Waivers, out)
		for i := range g.Gates {
			r := &g.Gates[i]
			if r.ID != w.Gate || r.Verdict != report.Fail && r.Verdict != report.Inconclusive {
				continue
			}
			if out.Expired {
				r.Message += fmt.Sprintf(" (its waiver ended on %s)", w.Until)
				continue
			}
			if !r.Waived {
				r.Message += fmt.Sprintf(" (waived until %s: %s)", w.Until, w.Reason)
			}
			r.Waived = true
		}
	}
}

// conclude sums up the gates of level error: a failure decides, then what could not be measured, then what is
// inconclusive.
func conclude(p *Policy, g *report.Gate, warnOnly bool) {
	count := map[string]int{}
	for _, r := range g.Gates {
		if r.Level == report.Error && !r.Waived {
			count[r.Verdict]++
		}
	}
	g.Verdict, g.ExitCode = report.Pass, ExitPass
	switch {
	case count[report.Fail] > 0:
		g.Verdict, g.ExitCode = report.Fail, ExitFail
	case count[report.Skipped] > 0:
		g.Verdict, g.ExitCode = report.Skipped, ExitNotMeasured
	case count[report.Inconclusive] > 0:
		switch g.Verdict = report.Inconclusive; p.Inconclusive {
		case Fail:
			g.Verdict, g.ExitCode = report.Fail, ExitFail
		case MoreData:
			g.ExitCode = ExitInconclusive
		}
	}
	if warnOnly && (g.ExitCode == ExitFail || g.ExitCode == ExitInconclusive) {
		g.ExitCode = ExitPass
	}
}

// conclusive says that more text would not change what the run exits with: a gate of level error has failed, or none
// is inconclusive.
func conclusive(g *report.Gate) bool {
	open := false
	for _, r := range g.Gates {
		if r.Level != report.Error || r.Waived {
			continue
		}
		if r.Verdict == report.Fail {
			return true
		}
		open = open || r.Verdict == report.Inconclusive
	}
	return !open
}
