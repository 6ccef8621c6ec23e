package gate

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/carat-llm/carat/eval/overlap"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/quantize/imatrix"
)

// ReadTexts reads data.eval. Slices have names of their own; a file of lines makes one of each value of its
// slice_field ("slice" when not stated, and "text" for text_field).
func (p *Policy) ReadTexts() ([]text.Text, error) {
	var out []text.Text
	from, sums := map[string]string{}, map[string]string{}
	for _, t := range p.Data.Eval {
		if t.Path == "" {
			return nil, fmt.Errorf("%w: data.eval: %s has no path: pass the file with --text %s=FILE", ErrPolicy, cmp.Or(t.Name, t.SHA256), cmp.Or(t.Name, "NAME"))
		}
		texts, err := text.ReadTexts(t.Path, t.Name, text.JSONL{Text: cmp.Or(t.TextField, "text"), Slice: cmp.Or(t.SliceField, "slice")})
		if err != nil {
			return nil, err
		}
		for _, e := range texts {
			if other, ok := from[e.Name]; ok {
				return nil, fmt.Errorf("%w: %s and %s both make a slice %q: name them (name in data.eval, or --text NAME=FILE)", ErrPolicy, other, t.Path, e.Name)
			}
			if other, ok := sums[e.SHA256]; ok {
				return nil, fmt.Errorf("%w: data.eval: the slices %q and %q are the same text and would count twice", ErrPolicy, other, e.Name)
			}
			from[e.Name], sums[e.SHA256] = t.Path, e.Name
			e.Limit = t.Tokens
			out = append(out, e)
		}
	}
	return out, nil
}

// ReadCalibration reads the calibration text, and looks for the evaluation texts in it.
func ReadCalibration(ctx context.Context, path string, texts []text.Text) (*report.Calibration, error) {
	c, err := text.ReadText(path)
	if err != nil {
		return nil, err
	}
	var against []overlap.Text
	for _, t := range texts {
		against = append(against, overlap.Text{Name: t.Name, Data: t.Data})
	}
	results, err := overlap.Check(ctx, []overlap.Text{{Name: c.File, Data: c.Data}}, against, overlap.DefaultNGram)
	if err != nil {
		return nil, err
	}
	out := &report.Calibration{File: c.File, SHA256: c.SHA256}
	for _, r := range results {
		if r.Share <= out.Overlap {
			continue
		}
		out.Overlap, out.Worst = r.Share, r.Evaluation
		if r.Longest != nil {
			out.Excerpt = r.Longest.Excerpt
		}
	}
	return out, nil
}

// Recorded checks what an importance matrix says of the texts that it was collected from, by their SHA-256: that it
// is the policy's calibration text, and none that is evaluated on. sums are as for Inputs; a matrix of llama-imatrix
// says nothing.
func Recorded(p *Policy, name string, m *imatrix.Matrix, texts []text.Text, sums []string) []report.Finding {
	if m == nil || len(m.SHA256) == 0 {
		return nil
	}
	var out []report.Finding
	if want := p.Data.CalibrationSHA256; want != "" && !slices.Contains(m.SHA256, want) {
		out = append(out, report.Finding{Rule: RuleData, Level: report.Error, Message: fmt.Sprintf(
			"%s: collected from texts of SHA-256 %v, the policy says %s", name, m.SHA256, want)})
	}
	level := report.Warn
	if p.Data.ForbidOverlap {
		level = report.Error
	}
	said := map[string]bool{}
	find := func(text, sum string) {
		if slices.Contains(m.SHA256, sum) && !said[sum] {
			said[sum] = true
			out = append(out, report.Finding{Rule: RuleOverlap, Level: level, Message: fmt.Sprintf(
				"%s was collected from %s itself (SHA-256 %s): figures on it say little about other text", name, text, sum)})
		}
	}
	for i, t := range p.Data.Eval {
		if i < len(sums) {
			find(t.Path, sums[i])
		}
	}
	for _, t := range texts {
		find(t.Name, t.SHA256)
	}
	return out
}
