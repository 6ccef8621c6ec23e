package page

import (
	"fmt"
	"io"
	"strings"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/table"
)

// Terminal prints what a person wants to see after a run: one candidate in detail or several in a table, then what
// differs, the gate and the findings. The caller decides on colours (NO_COLOR, no terminal).
func Terminal(w io.Writer, r *report.Report, color bool) error {
	var b strings.Builder
	t := terminal{&b, r, color}
	if !r.Complete {
		fmt.Fprintln(&b, t.paint("interrupted: the figures are of the chunks that were done", table.Yellow))
	}
	switch len(r.Candidates) {
	case 0:
		fmt.Fprintln(&b, "no candidates")
	case 1:
		t.one(&r.Candidates[0])
	default:
		t.several()
		t.comparisons()
		t.parity()
		if c := focus(r); r.Gate != nil && len(c.Slices) > 0 {
			fmt.Fprintf(&b, "\n%s by slice\n", clean(c.Name))
			t.slices(c)
		}
	}
	t.findings()
	t.gate()
	_, err := io.WriteString(w, b.String())
	return err
}

type terminal struct {
	w     *strings.Builder
	r     *report.Report
	color bool
}

func (t *terminal) paint(s, style string) string { return table.Paint(s, style, t.color) }

func (t *terminal) grid(align string) *table.Table { return &table.Table{Align: align, Color: t.color} }

func (t *terminal) findings() {
	if len(t.r.Findings) == 0 {
		return
	}
	fmt.Fprintln(t.w)
	for _, f := range t.r.Findings {
		style := table.Yellow
		if f.Level == report.Error {
			style = table.Red
		}
		fmt.Fprintf(t.w, "%s %s: %s: %s\n", t.paint(f.Level, style), clean(f.Model), clean(f.Rule), findingText(&f))
	}
}

// findingText is the message with the tensor or key it is about.
func findingText(f *report.Finding) string {
	s := clean(f.Message)
	if at := f.Tensor + f.Key; at != "" {
		s = clean(at) + ": " + s
	}
	return s
}

func (t *terminal) gate() {
	x := t.r.Gate
	if x == nil {
		return
	}
	fmt.Fprintln(t.w)
	g := t.grid("llrrrl")
	g.Row(styled("gate", table.Dim), styled("metric", table.Dim), styled("value", table.Dim), styled("limit", table.Dim), styled("confidence limit", table.Dim), styled("verdict", table.Dim))
	for i := range x.Gates {
		k := &x.Gates[i]
		g.Row(clean(k.ID), whatText(k), valueText(k), limitText(k), boundText(k), styled(verdictText(k), verdictStyle(k)))
	}
	g.Print(t.w)
	for i := range x.Gates {
		if k := &x.Gates[i]; k.Verdict != report.Pass && k.Message != "" {
			fmt.Fprintf(t.w, "  %s: %s\n", clean(k.ID), clean(k.Message))
		}
	}
	for _, v := range untold(x) {
		note := ""
		if v.Expired {
			note = " (expired)"
		}
		fmt.Fprintf(t.w, "  %s is waived until %s%s: %s\n", clean(v.Gate), clean(v.Until), note, clean(v.Reason))
	}
	style := map[string]string{report.Pass: table.Green, report.Fail: table.Red}[x.Verdict]
	if style == "" {
		style = table.Yellow
	}
	fmt.Fprintf(t.w, "\n%s  %s by %s: %s\n", t.paint(strings.ToUpper(x.Verdict), table.Bold+";"+style), clean(x.Candidate), clean(x.Policy), outcome(x))
	fmt.Fprintln(t.w, t.paint(effort(x), table.Dim))
	if s := storedText(x); s != "" {
		fmt.Fprintln(t.w, t.paint(s, table.Dim))
	}
}

func verdictStyle(x *report.Result) string {
	switch {
	case x.Verdict == report.Pass:
		return table.Green
	case x.Verdict == report.Fail && decides(x):
		return table.Red
	}
	return table.Yellow
}
