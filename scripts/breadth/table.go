package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

type row struct {
	folder, architecture string
	convert, logits      *result
	verify, run          answer
}

// unfit are checkpoints whose tiny vocabularies do not fit their tensors, as the reference writes them: verify and run both
// must refuse them, and say this.
var unfit = map[string]string{
	"gemma4":     "tensor token_embd.weight has 400 rows, but the vocabulary has 401 tokens",
	"gemma4-vl":  "tensor token_embd.weight has 400 rows, but the vocabulary has 401 tokens",
	"modernbert": "metadata tokenizer.ggml.seperator_token_id is 50282, the vocabulary has 400 tokens",
}

// green: all four are as they should be, so that verify and run agree, too.
func (r row) green() bool {
	return r.convert.green() && r.logits.green() && r.sound(r.verify) && r.sound(r.run)
}

// sound reports whether the verb took the model, or refused with the reason that it must give.
func (r row) sound(a answer) bool {
	if why := unfit[r.folder]; why != "" {
		return !a.ok && strings.Contains(a.said, why)
	}
	return a.ok
}

// said is a cell: what a verb made of the model.
func (r row) said(a answer) string {
	if unfit[r.folder] != "" && r.sound(a) {
		return "refused"
	}
	return verdict(r.sound(a))
}

func (r *result) green() bool { return r != nil && r.ran && r.passed }

// verdict is a cell.
func verdict(ok bool) string {
	if ok {
		return "ok"
	}
	return "FAILED"
}

type summary struct {
	what string
	test *result
}

type table struct {
	rows      []row
	summaries []summary
}

func (t table) green() bool {
	return !slices.ContainsFunc(t.rows, func(r row) bool { return !r.green() }) &&
		!slices.ContainsFunc(t.summaries, func(s summary) bool { return !s.test.green() })
}

func (t table) write(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "checkpoint\tarchitecture\tconvert\tlogits\tdistance\tverify\trun")
	var notes []string
	green := 0
	for _, r := range t.rows {
		cells := []string{r.folder, r.architecture, verdict(r.convert.green()), verdict(r.logits.green()), distance(r.logits), r.said(r.verify), r.said(r.run)}
		for i, x := range []*result{r.convert, r.logits} {
			if x != nil && x.exception != "" {
				cells[2+i] += fmt.Sprintf(" (%d)", len(notes)+1)
				notes = append(notes, r.folder+": "+x.exception)
			}
		}
		if why := unfit[r.folder]; why != "" {
			cells[5] += fmt.Sprintf(" (%d)", len(notes)+1)
			notes = append(notes, r.folder+": "+why+": to be refused, by both")
		}
		for i, a := range []answer{r.verify, r.run} {
			if !r.sound(a) {
				cells[5+i] += fmt.Sprintf(" (%d)", len(notes)+1)
				notes = append(notes, fmt.Sprintf("%s: %q", r.folder, a.said))
			}
		}
		if r.green() {
			green++
		}
		fmt.Fprintln(tw, strings.Join(cells, "\t"))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	for i, n := range notes {
		fmt.Fprintf(w, "(%d) %s\n", i+1, n)
	}
	fmt.Fprintln(w)
	fmt.Fprintf(tw, "checkpoints converted, evaluated, verified and run\t%d of %d\n", green, len(t.rows))
	for _, s := range t.summaries {
		switch {
		case s.test == nil || !s.test.ran:
			fmt.Fprintf(tw, "%s\tnot run: FAILED\n", s.what)
		case !s.test.passed:
			fmt.Fprintf(tw, "%s\t%d of %d: FAILED\n", s.what, s.test.matched, s.test.of)
		default:
			fmt.Fprintf(tw, "%s\t%d of %d\n", s.what, s.test.matched, s.test.of)
		}
	}
	return tw.Flush()
}

// distance is the largest of a logit, over all texts.
func distance(r *result) string {
	if r == nil || len(r.distances) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1e", slices.Max(r.distances))
}
