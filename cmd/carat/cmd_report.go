package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/page"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/urfave/cli/v2"
)

func reportCommand() *cli.Command {
	return &cli.Command{
		Name:      "report",
		Usage:     "pages, tables and pictures from a report.json",
		ArgsUsage: "REPORT.json",
		Description: `Reads a report that eval, compare, sweep or gate wrote with --report, checks that its figures agree with the sums
they come from, and draws it. The page needs no network and no scripts. Without flags the summary is printed; --json
prints the report itself, normalised. The exit code does not repeat a gate's verdict: 0 means that the report is valid.

EXAMPLES:
   carat report report.json
   carat report report.json --html report.html --svg pareto.svg
   carat report report.json --markdown - >> "$GITHUB_STEP_SUMMARY"
   carat report report.json --csv tensors.csv --table tensors
   carat report report.json --card card.md --base-model HuggingFaceTB/SmolLM2-135M`,
		Flags: append(pageFlags(),
			&cli.StringFlag{Name: "table", Category: pagesGroup, Value: page.Tables[0], Usage: "`" + strings.Join(page.Tables, "|") + "` table that --csv writes"},
			&cli.StringFlag{Name: "base-model", Category: pagesGroup, Usage: "`ORG/NAME` base model on the Hub, for --card; by default the reference's name"}),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "REPORT.json")
			if err != nil {
				return err
			}
			o := reportOptions{path: arg, pages: pagesOf(c), table: c.String("table"), baseModel: c.String("base-model")}
			if err := o.check(c); err != nil {
				return err
			}
			return runReport(g, o)
		},
	}
}

// reportOptions are report's flags.
type reportOptions struct {
	path             string
	pages            pages
	table, baseModel string
}

func (o *reportOptions) check(c *cli.Context) error {
	switch {
	case !slices.Contains(page.Tables, o.table):
		return usagef("%s", suggest.OneOf("--table", o.table, page.Tables))
	case c.IsSet("table") && o.pages["csv"] == "":
		return usagef("--table needs --csv FILE")
	case o.baseModel != "" && o.pages["card"] == "":
		return usagef("--base-model needs --card FILE")
	}
	return nil
}

func runReport(g global, o reportOptions) error {
	r, err := readReport(g.in, o.path)
	if err != nil {
		return err
	}
	if len(r.Unknown) > 0 && !g.quiet {
		printf(g.err, "carat: note: %s has unknown fields, which are ignored: %s\n", o.path, someOf(r.Unknown))
	}
	var out outputs
	defer out.abort()
	// These two have flags of their own.
	for flag, draw := range map[string]func(io.Writer) error{
		"csv":  func(w io.Writer) error { return page.CSVTable(w, r, o.table) },
		"card": func(w io.Writer) error { return page.CardOf(w, r, o.baseModel) },
	} {
		file := o.pages[flag]
		if file == "" {
			continue
		}
		delete(o.pages, flag)
		if err := out.draw(file, draw); err != nil {
			return err
		}
	}
	return o.pages.write(g, r, "", r, &out)
}

// readReport reads the report at path, or standard input for "-".
func readReport(in io.Reader, path string) (*report.Report, error) {
	if path != "-" {
		return report.Read(path)
	}
	b, err := stdinOf(in).bytes()
	if err != nil {
		return nil, err
	}
	r, err := report.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("standard input: %w", err)
	}
	return r, nil
}

// someOf lists the first few.
func someOf(names []string) string {
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + fmt.Sprintf(" and %d more", len(names)-5)
	}
	return strings.Join(names, ", ")
}
