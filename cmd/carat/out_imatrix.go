package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/quantize/imatrix"
)

// imatrixReport is imatrix's JSON.
type imatrixReport struct {
	Output    *outputFile `json:"output,omitempty"` // of what was collected or merged
	File      string      `json:"file,omitempty"`   // with --stats
	Datasets  []string    `json:"datasets"`
	SHA256    []string    `json:"datasets_sha256,omitempty"` // of the texts, where the file says
	Chunks    int         `json:"chunks"`
	ChunkSize int         `json:"chunk_size"` // 0 when a .dat file does not say
	Tensors   int         `json:"tensors"`
	Coverage  struct {
		Percent float64            `json:"percent"` // the lowest of a tensor
		Partial []imatrix.Coverage `json:"partial"` // tensors that were not reached in full
	} `json:"coverage"`
	Statistics []imatrix.Statistics      `json:"statistics,omitempty"`
	Layers     []imatrix.LayerStatistics `json:"layers,omitempty"`
}

func reportImatrix(m *imatrix.Matrix) *imatrixReport {
	r := &imatrixReport{Datasets: append([]string{}, m.Datasets...), SHA256: m.SHA256, Chunks: m.Chunks, ChunkSize: m.ChunkSize, Tensors: m.Len()}
	r.Coverage.Percent, r.Coverage.Partial = 100, []imatrix.Coverage{}
	for _, c := range m.Coverage() {
		r.Coverage.Percent = min(r.Coverage.Percent, c.Percent)
		if c.Percent < 100 {
			r.Coverage.Partial = append(r.Coverage.Partial, c)
		}
	}
	slices.SortStableFunc(r.Coverage.Partial, func(a, b imatrix.Coverage) int {
		switch {
		case a.Percent < b.Percent:
			return -1
		case a.Percent > b.Percent:
			return 1
		}
		return 0
	})
	return r
}

// refuse is the verdict of --min-coverage.
func (r *imatrixReport) refuse(percent float64) error {
	if r.Coverage.Percent >= percent {
		return nil
	}
	worst := r.Coverage.Partial[0]
	return &refusal{fmt.Sprintf("%.2f %% of the columns of %s saw data, --min-coverage is %v: use more or other text", worst.Percent, worst.Tensor, percent)}
}

func (r *imatrixReport) show(g global) error {
	if g.json {
		return printJSON(g.out, r)
	}
	if !g.quiet {
		r.print(g.out)
	}
	return nil
}

func (r *imatrixReport) print(out io.Writer) {
	if r.Statistics != nil {
		r.printStatistics(out)
	}
	chunks := fmt.Sprintf("%d chunks", r.Chunks)
	if r.ChunkSize > 0 {
		chunks += fmt.Sprintf(" of %d tokens", r.ChunkSize)
	}
	printf(out, "%d tensors from %s of %s\n", r.Tensors, chunks, strings.Join(r.Datasets, ", "))
	if len(r.Coverage.Partial) == 0 {
		fmt.Fprintln(out, "coverage: every column of every tensor saw data")
	} else {
		r.printCoverage(out)
	}
	if r.Output != nil {
		printf(out, "%s: %s\n", r.Output.Path, display.Bytes(r.Output.Bytes))
	}
}

// coverageRows limits the table; --json has all.
const coverageRows = 20

func (r *imatrixReport) printCoverage(out io.Writer) {
	p := r.Coverage.Partial
	printf(out, "coverage: %d tensors were not reached in full\n\n", len(p))
	t := newTable(out)
	t.row("tensor", "coverage", "silent columns", "unused experts")
	for _, c := range p[:min(len(p), coverageRows)] {
		unused := ""
		if n := len(c.Unused); n > 0 {
			unused = fmt.Sprintf("%d of %d: %s", n, c.Experts, ranges(slices.Clone(c.Unused)))
		}
		t.row(c.Tensor, fmt.Sprintf("%6.2f %%", c.Percent), fmt.Sprintf("%14d", c.Silent), unused)
	}
	t.flush()
	if n := len(p) - coverageRows; n > 0 {
		printf(out, "and %d more (--json lists all)\n", n)
	}
	fmt.Fprintln(out)
}

func (r *imatrixReport) printStatistics(out io.Writer) {
	t := newTable(out)
	t.row("layer", "tensor", " sum(act^2)", "      min", "        max", "     mean", "       sd", " active", "      N", "entropy", "of most", "     ZD", "cosine")
	for _, s := range r.Statistics {
		layer := "    -"
		if s.Layer >= 0 {
			layer = fmt.Sprintf("%5d", s.Layer)
		}
		t.row(layer, s.Kind, fmt.Sprintf("%11.2f", s.Sum), fmt.Sprintf("%9.4f", s.Min), fmt.Sprintf("%11.4f", s.Max), fmt.Sprintf("%9.2f", s.Mean),
			fmt.Sprintf("%9.2f", s.StdDev), fmt.Sprintf("%6.2f%%", 100*s.Active), fmt.Sprintf("%7d", s.N), fmt.Sprintf("%7.4f", s.Entropy),
			fmt.Sprintf("%6.2f%%", 100*s.EntropyNorm), fmt.Sprintf("%6.2f%%", 100*s.ZD), fmt.Sprintf("%6.4f", s.CosSim))
	}
	t.flush()
	fmt.Fprintln(out)
	t = newTable(out)
	t.row("layer", "sum(act^2)", "      ZD", "cosine")
	for _, l := range r.Layers {
		t.row(fmt.Sprintf("%5d", l.Layer), fmt.Sprintf("%10.2f", l.Sum), fmt.Sprintf("%7.4f%%", 100*l.ZD), fmt.Sprintf("%6.4f", l.CosSim))
	}
	t.flush()
	fmt.Fprintln(out)
}
