package main

import (
	"bytes"
	"errors"
	"io"
	"os"

	"github.com/carat-llm/carat/eval/ci"
	"github.com/carat-llm/carat/eval/report"
	"github.com/urfave/cli/v2"
)

// ciWriters are the files for the systems around a build, by the flag that names them.
var ciWriters = []struct {
	flag, usage string
	write       func(w io.Writer, r *report.Report, run ci.Run) error
}{
	{"sarif", "`FILE` write structural findings as SARIF", func(w io.Writer, r *report.Report, _ ci.Run) error { return ci.WriteSARIF(w, r) }},
	{"cyclonedx", "`FILE` write a CycloneDX ML-BOM", func(w io.Writer, r *report.Report, _ ci.Run) error { return ci.WriteCycloneDX(w, r) }},
	{"intoto", "`FILE.intoto.jsonl` write in-toto statements: test result and provenance", ci.WriteStatements},
	{"benchmark", "`FILE` write the figures for github-action-benchmark", func(w io.Writer, r *report.Report, _ ci.Run) error { return ci.WriteBenchmark(w, r) }},
	{"mlflow", "`FILE` write the figures for MLflow's runs/log-batch", func(w io.Writer, r *report.Report, _ ci.Run) error { return ci.WriteMLflow(w, r) }},
}

func ciFlags() []cli.Flag {
	out := []cli.Flag{&cli.BoolFlag{Name: "github", Category: ciGroup, Usage: "write annotations, step summary, outputs and comment as GITHUB_* say (docs/ci.md)"}}
	for _, w := range ciWriters {
		out = append(out, &cli.StringFlag{Name: w.flag, Category: ciGroup, Usage: w.usage})
	}
	return out
}

// ciOptions are the values of ciFlags.
type ciOptions struct {
	github bool
	files  map[string]string
}

func ciOptionsOf(c *cli.Context) ciOptions {
	o := ciOptions{c.Bool("github"), map[string]string{}}
	for _, w := range ciWriters {
		if f := c.String(w.flag); f != "" {
			o.files[w.flag] = f
		}
	}
	return o
}

// stage adds the files to out. A statement about nothing is left out.
func (o *ciOptions) stage(g global, r *report.Report, run ci.Run, out *outputs) error {
	for _, w := range ciWriters {
		file := o.files[w.flag]
		if file == "" {
			continue
		}
		var b bytes.Buffer
		err := w.write(&b, r, run)
		if errors.Is(err, ci.ErrNoStatement) {
			if !g.quiet {
				printf(g.err, "carat: note: --%s %s is not written: %v\n", w.flag, file, err)
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := out.write(file, b.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// annotate does what GitHub asks for.
func (o *ciOptions) annotate(stderr io.Writer, r *report.Report, gh ci.GitHubOptions) error {
	if !o.github {
		return nil
	}
	// Workflow commands are read from both streams; stdout may hold JSON.
	return ci.GitHub(os.Getenv, stderr, r, gh)
}
