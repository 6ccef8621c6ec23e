package page

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/table"
)

// maxMarkdown keeps a page below the 1 MiB that a step summary may have. Pull request comments take 65536 characters.
const maxMarkdown = 1000 << 10

// Markdown writes the verdict, figures and tables for step summaries and comments, in GitHub's dialect. The table of
// tensors is folded away, and cut when the page would be too long for a step summary.
func Markdown(w io.Writer, r *report.Report) error {
	m := markdown{r: r}
	m.head()
	m.gate()
	m.candidates()
	m.parity()
	m.slices()
	m.tasks()
	m.latency()
	m.findings()
	m.comparisons()
	m.measured()
	m.tensors()
	_, err := io.WriteString(w, m.String())
	return err
}

type markdown struct {
	table.Markdown
	r *report.Report
}

var markdownEscapes = strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "`", "\\`", "*", `\*`, "_", `\_`,
	"[", `\[`, "]", `\]`, "#", `\#`, "~", `\~`, "!", `\!`, "://", ":\u200b//", "$", `\$`)

// md makes text from outside harmless: no markup, no links, no mentions.
func md(s string) string { return unmention(markdownEscapes.Replace(clean(s))) }

var mention = regexp.MustCompile(`(^|[^0-9A-Za-z])@`)

func unmention(s string) string { return mention.ReplaceAllString(s, "$1@\u200b") }

var verdictIcons = map[string]string{report.Pass: "✅", report.Fail: "❌", report.Inconclusive: "❔", report.Skipped: "⚪"}

func icon(x *report.Result) string {
	if !decides(x) && x.Verdict != report.Pass && x.Verdict != report.Skipped {
		return "⚠️"
	}
	return verdictIcons[x.Verdict]
}

func (m *markdown) head() {
	r := m.r
	c := focus(r)
	if g := r.Gate; g != nil {
		m.Linef("### %s carat gate: %s", verdictIcons[g.Verdict], strings.ToUpper(g.Verdict))
		m.Linef("")
		m.Linef("**%s** by %s: %s. %s.", md(g.Candidate), md(g.Policy), md(outcome(g)), upperFirst(effort(g)))
		if s := storedText(g); s != "" {
			m.Linef("")
			m.Linef("> %s.", upperFirst(s))
		}
	} else {
		m.Linef("### carat %s", md(r.Command))
	}
	m.Linef("")
	if !r.Complete {
		m.Linef("> ⚠️ Interrupted: the figures are of the chunks that were done.")
		m.Linef("")
	}
	if c == nil {
		return
	}
	if ref := r.Reference; ref != nil {
		m.Linef("Against %s (%s), %s.", md(ref.Name), md(about(ref)), md(scored(r, c)))
	} else {
		m.Linef("%s.", upperFirst(scored(r, c)))
	}
	m.Linef("")
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func (m *markdown) gate() {
	g := m.r.Gate
	if g == nil || len(g.Gates) == 0 {
		return
	}
	other := false
	for _, x := range g.Gates {
		other = other || x.Other != nil
	}
	head, align := []string{"", "gate", "metric", "value", "confidence interval", "limit"}, "lllrrr"
	if other {
		head, align = append(head, "compared with"), align+"r"
	}
	m.Table(align+"l", append(head, "verdict")...)
	for i := range g.Gates {
		x := &g.Gates[i]
		row := []string{icon(x), md(x.ID), md(whatText(x)), valueText(x), md(intervalText(x)), md(limitText(x))}
		if other {
			s := ""
			if x.Other != nil {
				s = md(x.Versus) + " " + show(x.Metric, *x.Other)
			}
			row = append(row, s)
		}
		verdict := md(verdictText(x))
		if x.Verdict == report.Fail && decides(x) {
			verdict = "**" + verdict + "**"
		}
		m.Row(append(row, verdict)...)
	}
	m.Linef("")
	for i := range g.Gates {
		if x := &g.Gates[i]; x.Verdict != report.Pass && x.Message != "" {
			m.Linef("- %s: %s", md(x.ID), md(x.Message))
		}
	}
	for _, v := range untold(g) {
		note := ""
		if v.Expired {
			note = " (expired)"
		}
		m.Linef("- %s is waived until %s%s: %s", md(v.Gate), md(v.Until), note, md(v.Reason))
	}
	m.Linef("")
}

// fold begins what is shown on a click; a blank line ends the HTML so that Markdown counts inside.
func (m *markdown) fold(title string) {
	m.Linef("<details><summary>%s</summary>\n", unmention(htmlEscapes.Replace(clean(title))))
}

func (m *markdown) unfold() { m.Linef("\n</details>\n") }

var htmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "://", ":\u200b//")

func (m *markdown) findings() {
	for i := range m.r.Findings {
		f := &m.r.Findings[i]
		mark := "⚠️"
		if f.Level == report.Error {
			mark = "❌"
		}
		m.Linef("- %s %s: %s", mark, md(f.Model), md(findingText(f)))
	}
	if len(m.r.Findings) > 0 {
		m.Linef("")
	}
}

func (m *markdown) measured() {
	r := m.r
	m.fold("How it was measured")
	m.Table("lll", "", "name", "SHA-256")
	if r.Reference != nil {
		m.Row("reference", md(r.Reference.Name), shortHash(r.Reference.SHA256))
	}
	for i := range r.Candidates {
		c := &r.Candidates[i]
		what := c.Role
		if what == "" {
			what = "candidate"
		}
		m.Row(md(what), md(c.Name), shortHash(c.SHA256))
	}
	for _, d := range r.Data {
		m.Row("text", fmt.Sprintf("%s, %d tokens, %s", md(d.Name), d.Tokens, count(d.Chunks, "chunk")), shortHash(d.SHA256))
	}
	if c := r.Calibration; c != nil {
		m.Row("calibration", fmt.Sprintf("%s, overlap %s", md(c.File), figure.Percent(c.Overlap)), shortHash(c.SHA256))
	}
	if g := r.Gate; g != nil {
		m.Row("policy", md(g.Policy), shortHash(g.PolicySHA256))
	}
	m.Linef("\n%s %s. Intervals are over chunks.", md(r.Tool.Name), md(r.Tool.Version))
	m.unfold()
}
