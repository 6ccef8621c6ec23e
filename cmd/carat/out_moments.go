package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/carat-llm/carat/quantize/hessian"
)

// momentsReport is the JSON of imatrix --hessian.
type momentsReport struct {
	Dataset string          `json:"dataset"`
	SHA256  string          `json:"dataset_sha256"`
	Chunks  int             `json:"chunks"`
	Context int             `json:"chunk_size"`
	Tensors []momentsTensor `json:"tensors"`
}

// momentsTensor is what the text tells about the input of a tensor, or of its experts together.
type momentsTensor struct {
	Name    string `json:"name"`
	Columns int    `json:"columns"`
	Experts int    `json:"experts"`
	// Tokens are those that reached the tensor; of experts, the one that was reached least often.
	Tokens int64 `json:"tokens"`
	// ErrorLeft is the share of the squared error of the output that error feedback is expected to leave; the mean of experts.
	ErrorLeft float64 `json:"error_left"`
	// Few lists the experts with too few tokens, which are left to the encoder; of a tensor without experts, its matrix 0.
	Few []int `json:"too_few"`
}

func newMomentsReport(o imatrixOptions, chunks int, sum string, covered []hessian.Coverage) *momentsReport {
	r := &momentsReport{Dataset: filepath.Base(o.Text), SHA256: sum, Chunks: chunks, Context: calibrationContext, Tensors: []momentsTensor{}}
	index, reached := map[string]int{}, map[hessian.Matrix]bool{}
	for _, c := range covered {
		i, ok := index[c.Tensor]
		if !ok {
			i = len(r.Tensors)
			index[c.Tensor] = i
			r.Tensors = append(r.Tensors, momentsTensor{Name: c.Tensor, Columns: c.Cols, Experts: c.Experts, Tokens: c.Tokens, Few: []int{}})
		}
		t := &r.Tensors[i]
		t.Tokens = min(t.Tokens, c.Tokens)
		t.ErrorLeft += c.Left / float64(c.Experts)
		reached[c.Matrix] = true
		if !c.Enough {
			t.Few = append(t.Few, c.Expert)
		}
	}
	for i := range r.Tensors {
		t := &r.Tensors[i]
		for e := range t.Experts {
			if !reached[hessian.Matrix{Tensor: t.Name, Expert: e}] {
				t.Tokens = 0
				t.ErrorLeft += 1 / float64(t.Experts)
				t.Few = append(t.Few, e)
			}
		}
		slices.Sort(t.Few)
	}
	return r
}

// momentsRow is a row of the table: a tensor of all layers.
type momentsRow struct {
	momentsTensor
	name        string
	layers      []int
	least, most float64 // of ErrorLeft
	few, of     int
}

func (r *momentsReport) print(out io.Writer) {
	var rows []*momentsRow
	index := map[string]*momentsRow{}
	few := 0
	for _, t := range r.Tensors {
		layer, rest := splitLayer(t.Name)
		row := index[rest]
		if row == nil {
			row = &momentsRow{momentsTensor: t, name: rest, least: t.ErrorLeft}
			index[rest], rows = row, append(rows, row)
		}
		if layer >= 0 {
			row.layers = append(row.layers, layer)
		}
		row.Tokens = min(row.Tokens, t.Tokens)
		row.least, row.most = min(row.least, t.ErrorLeft), max(row.most, t.ErrorLeft)
		row.few, row.of = row.few+len(t.Few), row.of+t.Experts
		few += len(t.Few)
	}
	table := newTable(out)
	table.row("tensor", "columns", "least tokens", "for a column", "error left", "too few tokens")
	for _, row := range rows {
		name := row.name
		if len(row.layers) > 0 {
			name = "blk." + ranges(row.layers) + "." + name
		}
		left := fmt.Sprintf("%3.0f %%", 100*row.least)
		if fmt.Sprintf("%.0f", 100*row.least) != fmt.Sprintf("%.0f", 100*row.most) {
			left = fmt.Sprintf("%3.0f to %.0f %%", 100*row.least, 100*row.most)
		}
		without := ""
		if row.few > 0 {
			without = fmt.Sprintf("%d of %d matrices", row.few, row.of)
		}
		table.row(name, fmt.Sprintf("%7d", row.Columns), fmt.Sprintf("%12d", row.Tokens), fmt.Sprintf("%12.1f", float64(row.Tokens)/float64(row.Columns)), left, without)
	}
	table.flush()
	printf(out, "\n%d tensors, %d chunks of %d tokens of %s\n", len(r.Tensors), r.Chunks, r.Context, r.Dataset)
	if few == 0 {
		fmt.Fprintln(out, "coverage: every matrix saw enough tokens to be rounded by them")
		return
	}
	printf(out, "coverage: %d matrices saw too few tokens, less than a quarter of their columns: --calibration leaves them to the encoder; use more or other text\n", few)
}
