package page

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/display"
)

// The page works without scripts and without network: styles and pictures are inside, hovering shows what <title>
// elements hold, and what is long is in <details>.

//go:embed html
var pageFiles embed.FS

var pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{
	"c": clean, "size": display.Bytes[int64], "percent": figure.Percent, "nats": figure.Nats, "rate": figure.Rate,
	"dur": duration, "p": pValue, "rel": showRelative, "relci": showRelativeInterval, "show": show, "ci": showInterval,
	"add":    func(a, b float64) float64 { return tenth(a + b) },
	"middle": func(a, b float64) float64 { return tenth((a + b) / 2) },
	"count":  count, "icon": pageIcon, "shape": shapeText, "err": errorText, "note": latencyNote, "finding": findingText,
	"level": func(v float64) string { return fmt.Sprintf("%.4g %%", 100*v) }, "short": shortInterval,
	"effective": effectiveBits, "name": breakable, "upper": upperFirst, "why": why, "llama": inLlama, "waivers": untold,
}).ParseFS(pageFiles, "html/*.tmpl"))

func mustRead(name string) template.CSS {
	b, err := pageFiles.ReadFile("html/" + name)
	if err != nil {
		panic(err)
	}
	return template.CSS(b) //nolint:gosec // our own file
}

var pageCSS, chartsCSS = mustRead("page.css"), mustRead("charts.css")

// HTML writes the report as one self-contained page.
func HTML(w io.Writer, r *report.Report) error {
	return execute(w, "page.tmpl", newPage(r))
}

// execute writes a page.
func execute(w io.Writer, name string, data any) error {
	var b bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&b, name, data); err != nil {
		return err
	}
	// No line ends between a number and its per cent sign.
	_, err := w.Write(bytes.ReplaceAll(b.Bytes(), []byte(" %"), []byte("\u00a0%")))
	return err
}

// SVG writes the plot of size against quality as a picture of its own. Without figures the picture says so.
func SVG(w io.Writer, r *report.Report) error {
	p := sizePlot(r, wide)
	if len(p.Points) == 0 {
		p.Desc = "No candidate has both size and figures."
	}
	return p.svg(w)
}

// svg writes the plot as a picture of its own.
func (p *plot) svg(w io.Writer) error {
	var b bytes.Buffer
	err := pageTemplates.ExecuteTemplate(&b, "svg.tmpl", struct {
		*plot
		CSS template.CSS
	}{p, chartsCSS})
	if err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

func pageIcon(class string) string {
	switch class {
	case report.Pass:
		return "✓"
	case report.Fail, report.Error:
		return "✗"
	case report.Inconclusive:
		return "?"
	case report.Skipped:
		return "–"
	}
	return "!"
}

func shapeText(shape []int64) string {
	s := ""
	for i, d := range shape {
		if i > 0 {
			s += " × "
		}
		s += fmt.Sprint(d)
	}
	return s
}

func errorText(e *float64) string {
	switch {
	case e == nil:
		return ""
	case *e == 0:
		return "exact"
	}
	return fmt.Sprintf("%.4f", *e)
}

// breakable is a name that may go on in the next line after a dash or before a dot rather than anywhere.
func breakable(name string) template.HTML {
	s := template.HTMLEscapeString(clean(name))
	return template.HTML(strings.NewReplacer("-", "-<wbr/>", ".", "<wbr/>.").Replace(s)) //nolint:gosec // escaped
}
