package main

import (
	"errors"
	"io"
	"os"

	"github.com/carat-llm/carat/eval/page"
	"github.com/carat-llm/carat/eval/report"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// pageWriters are what can be made of a report, by the flag that names the file.
var pageWriters = []struct {
	flag, usage string
	write       func(io.Writer, *report.Report) error
}{
	{"html", "`FILE` write a web page", page.HTML},
	{"markdown", "`FILE` write Markdown", page.Markdown},
	{"svg", "`FILE` write the plot of size and divergence", page.SVG},
	{"csv", "`FILE` write the candidates' figures", page.CSV},
	{"junit", "`FILE` write JUnit XML", page.JUnit},
	{"card", "`FILE` write a model card's front matter and section", page.Card},
}

func pageFlags() []cli.Flag {
	var out []cli.Flag
	for _, p := range pageWriters {
		out = append(out, &cli.StringFlag{Name: p.flag, Category: pagesGroup, Usage: p.usage + "; - is stdout"})
	}
	return out
}

// pages are the files to write, by flag.
type pages map[string]string

func pagesOf(c *cli.Context) pages {
	p := pages{}
	for _, w := range pageWriters {
		if f := c.String(w.flag); f != "" {
			p[w.flag] = f
		}
	}
	return p
}

// write writes the report, if path names a file for it, and its pages, together with what o holds already, and prints
// what the global flags ask for; object is what --json shows. Figures are printed even if no file could be written.
func (p pages) write(g global, r *report.Report, path string, object any, o *outputs) error {
	reached("measured")
	err := p.stage(r, path, o)
	if err == nil {
		err = o.commit(g.out)
	}
	return errors.Join(err, p.show(g, r, object))
}

// stage adds the report, if path names a file for it, and its pages to o.
func (p pages) stage(r *report.Report, path string, o *outputs) error {
	if path != "" {
		b, err := report.Marshal(r)
		if err != nil {
			return err
		}
		if err := o.write(path, b); err != nil {
			return err
		}
	}
	for _, w := range pageWriters {
		if file := p[w.flag]; file != "" {
			if err := o.draw(file, func(out io.Writer) error { return w.write(out, r) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// show prints what the global flags ask for, unless something else takes standard output.
func (p pages) show(g global, r *report.Report, object any) error {
	switch {
	case g.json:
		return printJSON(g.out, object)
	case g.quiet || g.piped:
		return nil
	}
	return page.Terminal(g.out, r, coloured(g.out))
}

// coloured reports whether w takes colours: a terminal, and NO_COLOR (no-color.org) is not set.
func coloured(w io.Writer) bool {
	f := fileOf(w)
	return f != nil && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}
