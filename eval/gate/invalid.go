package gate

import (
	"errors"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/text"
)

// ExitInvalid is the exit code for a candidate that cannot be measured.
const ExitInvalid = 4

// Rules of findings about invalid candidates.
const (
	RuleInvalid   = "candidate-invalid"
	RuleTokenizer = "tokenizer-mismatch"
)

// Invalidate makes r, of a run without figures, the verdict on the candidate id that fault kept from being measured;
// why is the fault as reports show it. It fails with ExitInvalid whatever the gates say: what is invalid is of no use at
// any bound.
func Invalidate(p *Policy, r *report.Report, id report.Model, fault error, why string, baseline *report.Report, today string) error {
	rule := RuleInvalid
	if errors.Is(fault, text.ErrTokenizers) {
		rule = RuleTokenizer
	}
	r.Findings = append(r.Findings, report.Finding{Rule: rule, Level: report.Error, Model: id.Name, Message: why})
	r.Candidates, r.Complete = []report.Candidate{{Model: id, Failure: why}}, true
	g, err := Judge(p, r, 0, baseline, Options{Today: today})
	if err != nil {
		return err
	}
	g.Verdict, g.ExitCode = report.Fail, ExitInvalid
	r.Gate = g
	return nil
}
