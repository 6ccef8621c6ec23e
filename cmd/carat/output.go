package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// printJSON writes v as the one object on stdout.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// table writes columns flush left; callers give numbers one width so that they line up.
type table struct{ w *tabwriter.Writer }

func newTable(w io.Writer) table { return table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

func (t table) row(cells ...any) {
	s := make([]string, len(cells))
	for i, c := range cells {
		s[i] = fmt.Sprint(c)
	}
	fmt.Fprintln(t.w, strings.Join(s, "\t"))
}

func (t table) flush() { _ = t.w.Flush() }

// size prints bytes in the unit a person would use, flush right in 9 columns.
func size(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%5d B  ", n)
	case n < 10_000_000:
		return fmt.Sprintf("%7.1f kB", float64(n)/1e3)
	case n < 10_000_000_000:
		return fmt.Sprintf("%7.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%7.1f GB", float64(n)/1e9)
}

func shapeString(shape []int64) string {
	s := make([]string, len(shape))
	for i, d := range shape {
		s[i] = fmt.Sprint(d)
	}
	return strings.Join(s, " x ")
}

func trimmed(s string) string { return strings.TrimSpace(s) }
