package main

import (
	"bytes"
	"io"
	"os"

	"github.com/carat-llm/carat/eval/ci"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/urfave/cli/v2"
)

// ciWriters are the files for the systems around a build, by the flag that names them.
var ciWriters = []struct {
	flag, usage string
	write       func(w io.Writer, r *report.Report, built bool) error
}{
	{"sarif", "write structural findings as SARIF to `FILE`", func(w io.Writer, r *report.Report, _ bool) error { return ci.WriteSARIF(w, r) }},
	{"cyclonedx", "write a CycloneDX ML-BOM to `FILE`", func(w io.Writer, r *report.Report, _ bool) error { return ci.WriteCycloneDX(w, r) }},
	{"intoto", "write in-toto statements, test result and provenance, to `FILE.intoto.jsonl`", func(w io.Writer, r *report.Report, built bool) error {
		run := ci.RunOf(os.Getenv)
		run.Built = built
		return ci.WriteStatements(w, r, run)
	}},
	{"benchmark", "write the figures for github-action-benchmark to `FILE`", func(w io.Writer, r *report.Report, _ bool) error { return ci.WriteBenchmark(w, r) }},
	{"mlflow", "write the figures for MLflow's runs/log-batch to `FILE`", func(w io.Writer, r *report.Report, _ bool) error { return ci.WriteMLflow(w, r) }},
}

func ciFlags() []cli.Flag {
	out := []cli.Flag{&cli.BoolFlag{Name: "github", Category: "CI", Usage: "annotations, step summary, outputs and comment as GITHUB_* ask for (docs/ci.md)"}}
	for _, w := range ciWriters {
		out = append(out, &cli.StringFlag{Name: w.flag, Category: "CI", Usage: w.usage})
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

func (o *ciOptions) check() error {
	for _, w := range ciWriters {
		if err := writable("--"+w.flag, o.files[w.flag]); err != nil {
			return err
		}
	}
	return nil
}

// write writes the files, and does what GitHub asks for. built says that this run made the candidate.
func (o *ciOptions) write(s streams, r *report.Report, built bool, policyPath, reportPath string) error {
	for _, w := range ciWriters {
		file := o.files[w.flag]
		if file == "" {
			continue
		}
		var b bytes.Buffer
		if err := w.write(&b, r, built); err != nil {
			return err
		}
		if err := atomicfile.WriteFile(file, b.Bytes()); err != nil {
			return err
		}
	}
	if !o.github {
		return nil
	}
	// Workflow commands are read from both streams; stdout may hold JSON.
	return ci.GitHub(os.Getenv, s.err, r, ci.GitHubOptions{PolicyPath: policyPath, ReportPath: reportPath, Markdown: report.Markdown})
}
