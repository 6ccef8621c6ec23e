package page

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/task"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/carat-llm/carat/internal/table"
)

// CSV writes the candidates with a column for each figure.
func CSV(w io.Writer, r *report.Report) error { return CSVTable(w, r, "candidates") }

// Tables are what CSVTable can write: candidates with a column a figure, the others one figure or thing a row.
var Tables = []string{"candidates", "slices", "tensors", "gates", "comparisons"}

// CSVTable writes one of Tables. Numbers are as exact as in the report: shares from 0 to 1, times in seconds, sizes in
// bytes; empty where there is none.
func CSVTable(w io.Writer, r *report.Report, name string) error {
	var rows [][]string
	switch name {
	case "candidates":
		rows = candidatesCSV(r)
	case "slices":
		rows = slicesCSV(r)
	case "tensors":
		rows = tensorsCSV(r)
	case "gates":
		rows = gatesCSV(r)
	case "comparisons":
		rows = comparisonsCSV(r)
	default:
		return errors.New(suggest.OneOf("table", name, Tables))
	}
	return table.WriteCSV(w, rows)
}

func exact(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// known is a number that is never 0 but where the file could not be read; exact up to 2^53.
func known(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

func exactPtr(v *float64) string {
	if v == nil {
		return ""
	}
	return exact(*v)
}

func ends(ci *figure.Interval) (low, high string) {
	if ci == nil {
		return "", ""
	}
	return exact(ci.Low), exact(ci.High)
}

func candidatesCSV(r *report.Report) [][]string {
	figures := figure.Table
	if !some(r, (*report.Candidate).Paired) {
		figures = figure.Of(&figure.Metrics{})
	}
	var tasks []string
	for i := range r.Candidates {
		for _, t := range r.Candidates[i].Tasks {
			if !slices.Contains(tasks, t.Task) {
				tasks = append(tasks, t.Task)
			}
		}
	}
	head := []string{"candidate", "role", "file_type", "sha256", "bytes", "parameters", "bits_per_weight", "effective_bits", "pareto", "worst_slice", "tokens"}
	for _, f := range figures {
		head = append(head, f.Name, f.Name+".low", f.Name+".high")
	}
	head = append(head, speedColumns...)
	for _, t := range tasks {
		score := "task." + t + ".score"
		head = append(head, table.CSVText(score), table.CSVText(score+".low"), table.CSVText(score+".high"))
	}
	rows := [][]string{append(head, "failure")}
	for i := range r.Candidates {
		c := &r.Candidates[i]
		row := []string{table.CSVText(c.Name), table.CSVText(c.Role), table.CSVText(c.FileType), c.SHA256, known(float64(c.Bytes)), known(float64(c.Parameters)), known(c.BitsPerWeight),
			exactPtr(c.EffectiveBits), fmt.Sprint(c.Pareto), table.CSVText(c.WorstSlice)}
		if c.Metrics == nil {
			row = append(row, make([]string, 1+3*len(figures))...)
		} else {
			row = append(row, fmt.Sprint(c.Metrics.Perplexity.Tokens))
			for _, f := range figures {
				if f.Paired && c.Metrics.Comparison == nil {
					row = append(row, "", "", "")
					continue
				}
				v, ci := valueOf(f, c.Metrics)
				low, high := ends(ci)
				row = append(row, exact(v), low, high)
			}
		}
		row = append(row, speedCells(r, c)...)
		for _, name := range tasks {
			k := slices.IndexFunc(c.Tasks, func(t task.Result) bool { return t.Task == name })
			if k < 0 {
				row = append(row, "", "", "")
				continue
			}
			s := c.Tasks[k].Score
			row = append(row, exact(s.Value), exact(s.Low), exact(s.High))
		}
		rows = append(rows, append(row, table.CSVText(c.Failure)))
	}
	return rows
}

// speedColumns are the figures of a clock and of memory that have a column.
var speedColumns = []string{"prefill.tok_s", "decode.tok_s", "itl.p95", "peak_memory"}

func speedCells(r *report.Report, c *report.Candidate) []string {
	out := make([]string, len(speedColumns))
	for i, name := range speedColumns {
		f, _ := report.Named(name)
		if v, err := f.Value(&report.Subject{Report: r, Candidate: c}); err == nil {
			out[i] = strconv.FormatFloat(v, 'g', -1, 64)
			if f.Unit == "bytes" {
				out[i] = known(v)
			}
		}
	}
	return out
}

// slicesCSV has the slice "all" too.
func slicesCSV(r *report.Report) [][]string {
	rows := [][]string{{"candidate", "slice", "tokens", "figure", "value", "low", "high"}}
	add := func(name, slice string, m *figure.Metrics) {
		if m == nil {
			return
		}
		for _, f := range figure.Of(m) {
			v, ci := valueOf(f, m)
			low, high := ends(ci)
			rows = append(rows, []string{table.CSVText(name), table.CSVText(slice), fmt.Sprint(m.Perplexity.Tokens), f.Name, exact(v), low, high})
		}
	}
	for i := range r.Candidates {
		c := &r.Candidates[i]
		add(c.Name, "all", c.Metrics)
		for _, s := range c.Slices {
			add(c.Name, s.Name, s.Metrics)
		}
	}
	return rows
}

func tensorsCSV(r *report.Report) [][]string {
	rows := [][]string{{"candidate", "tensor", "type", "shape", "bytes", "layer", "role", "error"}}
	for i := range r.Candidates {
		c := &r.Candidates[i]
		for _, t := range c.Tensors {
			shape := make([]string, len(t.Shape))
			for k, d := range t.Shape {
				shape[k] = fmt.Sprint(d)
			}
			rows = append(rows, []string{table.CSVText(c.Name), table.CSVText(t.Name), table.CSVText(t.Type), strings.Join(shape, "x"), fmt.Sprint(t.Bytes), fmt.Sprint(t.Layer), table.CSVText(t.Role), exactPtr(t.Error)})
		}
	}
	return rows
}

func gatesCSV(r *report.Report) [][]string {
	rows := [][]string{{"gate", "metric", "scope", "slice", "vs", "op", "limit", "value", "lower", "upper", "confidence", "other", "level", "verdict", "waived", "message"}}
	if r.Gate == nil {
		return rows
	}
	for _, x := range r.Gate.Gates {
		value := exact(x.Value)
		if x.Verdict == report.Skipped {
			value = ""
		} else if x.Infinite {
			value = exact(math.Inf(1))
		}
		rows = append(rows, []string{table.CSVText(x.ID), table.CSVText(x.Metric), table.CSVText(x.Scope), table.CSVText(x.Slice), table.CSVText(x.Versus), x.Op, exact(x.Limit), value, exactPtr(x.Lower), exactPtr(x.Upper),
			exact(x.Confidence), exactPtr(x.Other), x.Level, x.Verdict, fmt.Sprint(x.Waived), table.CSVText(x.Message)})
	}
	return rows
}

func comparisonsCSV(r *report.Report) [][]string {
	rows := [][]string{{"a", "b", "figure", "relative", "low", "high", "p", "p_adjusted", "better"}}
	for _, c := range r.Comparisons {
		low, high := ends(c.CI)
		rows = append(rows, []string{table.CSVText(c.A), table.CSVText(c.B), table.CSVText(c.Metric), exact(c.Relative), low, high, exact(c.P), exact(c.PAdjusted), c.Better})
	}
	return rows
}
