package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/internal/table"
)

// Format is a way to write results down.
type Format string

// Formats, all with a line for each test but the last, which has one for each repetition.
const (
	Markdown  Format = "md"        // a table for people
	CSV       Format = "csv"       // seconds and bytes, with a header
	JSONLines Format = "jsonl"     // an object for each test
	Benchstat Format = "benchstat" // Go's benchmark format, which benchstat compares
)

// Formats lists what Write can write.
var Formats = []Format{Markdown, CSV, JSONLines, Benchstat}

// Write writes the tests of all results.
func Write(w io.Writer, f Format, rs ...*Result) error {
	switch f {
	case Markdown:
		return writeMarkdown(w, rs)
	case CSV:
		return writeCSV(w, rs)
	case JSONLines:
		return writeJSONLines(w, rs)
	case Benchstat:
		return writeBenchstat(w, rs)
	}
	return fmt.Errorf("unknown format %q; formats: %v", f, Formats)
}

func writeMarkdown(w io.Writer, rs []*Result) error {
	var m table.Markdown
	m.Table("lrllrrrrrrr", "model", "threads", "compute", "test", "tok/s", "min", "max", "first token p50 / p95 ms", "inter-token p50 / p95 / p99 / max ms", "weights GB/s", "of memory")
	for _, r := range rs {
		for _, t := range r.Tests {
			first, between, bytes, share := "", "", "", ""
			if q := t.FirstToken; q != nil {
				first = fmt.Sprintf("%.1f / %.1f", 1e3*q.P50, 1e3*q.P95)
			}
			if q := t.InterToken; q != nil {
				between = fmt.Sprintf("%.2f / %.2f / %.2f / %.2f", 1e3*q.P50, 1e3*q.P95, 1e3*q.P99, 1e3*q.Max)
			}
			if t.BytesPerSecond > 0 {
				bytes = fmt.Sprintf("%.2f", t.BytesPerSecond/1e9)
			}
			if v := r.ReadShare(t); v > 0 {
				share = fmt.Sprintf("%.0f %%", 100*v)
			}
			s := t.TokensPerSecond
			m.Row(cell(r.Model), strconv.Itoa(r.Threads), cell(r.Computation()), cell(t.Name), twoDigits(s.Median), twoDigits(s.Min), twoDigits(s.Max), first, between, bytes, share)
		}
	}
	_, err := io.WriteString(w, m.String())
	return err
}

func twoDigits(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }

// cell keeps a name from ending its column or row.
func cell(s string) string {
	return strings.ReplaceAll(display.Name(s), "|", `\|`)
}

func writeCSV(w io.Writer, rs []*Result) error {
	rows := [][]string{{"model", "cpu", "threads", "compute", "kv_type", "weight_bytes", "multiply_adds", "test", "tokens", "depth", "batch",
		"tokens_per_second", "tokens_per_second_min", "tokens_per_second_max", "bytes_per_second", "read_bandwidth",
		"first_token_p50", "first_token_p95", "inter_token_p50", "inter_token_p95", "inter_token_p99", "inter_token_max", "peak_memory_bytes"}}
	for _, r := range rs {
		for _, t := range r.Tests {
			row := []string{table.CSVText(r.Model), table.CSVText(r.CPU), strconv.Itoa(r.Threads), table.CSVText(r.Compute), table.CSVText(r.KVType), whole(r.WeightBytes), whole(r.MultiplyAdds), t.Name, strconv.Itoa(t.Tokens), strconv.Itoa(t.Depth), strconv.Itoa(t.Batch),
				number(t.TokensPerSecond.Median), number(t.TokensPerSecond.Min), number(t.TokensPerSecond.Max), number(t.BytesPerSecond), number(r.ReadBandwidth)}
			if q := t.FirstToken; q != nil {
				row = append(row, number(q.P50), number(q.P95))
			} else {
				row = append(row, "", "")
			}
			if q := t.InterToken; q != nil {
				row = append(row, number(q.P50), number(q.P95), number(q.P99), number(q.Max))
			} else {
				row = append(row, "", "", "", "")
			}
			rows = append(rows, append(row, whole(r.PeakMemory)))
		}
	}
	return table.WriteCSV(w, rows)
}

func whole(n int64) string    { return strconv.FormatInt(n, 10) }
func number(v float64) string { return strconv.FormatFloat(v, 'g', 8, 64) }

func writeJSONLines(w io.Writer, rs []*Result) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, r := range rs {
		for _, t := range r.Tests {
			err := e.Encode(struct {
				Model         string  `json:"model"`
				CPU           string  `json:"cpu"`
				Threads       int     `json:"threads"`
				Compute       string  `json:"compute,omitempty"`
				KVType        string  `json:"kv_type,omitempty"`
				WeightBytes   int64   `json:"weight_bytes"`
				MultiplyAdds  int64   `json:"multiply_adds"`
				ReadBandwidth float64 `json:"read_bandwidth,omitempty"`
				PeakMemory    int64   `json:"peak_memory_bytes"`
				Test
			}{r.Model, r.CPU, r.Threads, r.Compute, r.KVType, r.WeightBytes, r.MultiplyAdds, r.ReadBandwidth, r.PeakMemory, t})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
