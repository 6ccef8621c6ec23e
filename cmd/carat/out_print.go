package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/internal/table"
)

// printJSON writes v as the one object on stdout.
func printJSON(w io.Writer, v any) error { return writeJSON(w, v, "  ") }

// writeJSON writes v, on a line of its own when nothing is indented.
func writeJSON(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", indent)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(display.JSON(b.Bytes()))
	return err
}

// textTable is a table that goes to w in the end. Columns are flush left: callers give numbers one width so that they line up.
type textTable struct {
	table.Table
	w io.Writer
}

func newTable(w io.Writer) *textTable { return &textTable{w: w} }

func (t *textTable) row(cells ...any) { t.Row(cells...) }

func (t *textTable) flush() { t.Print(t.w) }

// printf is fmt.Fprintf for text that names files, tensors or keys: nothing in a string that is filled in can move the
// cursor, change colours or begin a line of its own.
func printf(w io.Writer, format string, args ...any) {
	shown := make([]any, len(args))
	for i, a := range args {
		switch a := a.(type) {
		case string:
			shown[i] = display.Name(a)
		case error:
			shown[i] = message(a)
		default:
			shown[i] = a
		}
	}
	fmt.Fprintf(w, format, shown...)
}

// message is an error's text; errors that were joined have a line each.
func message(err error) string {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return display.Name(err.Error())
	}
	var each, lines []string
	for _, e := range joined.Unwrap() {
		each, lines = append(each, e.Error()), append(lines, message(e))
	}
	if err.Error() != strings.Join(each, "\n") {
		return display.Name(err.Error()) // it wraps several and has a text of its own
	}
	return strings.Join(lines, "\n")
}

// size is for columns of tables: flush right in 9 characters.
func size(n int64) string { return fmt.Sprintf("%9s", display.Bytes(n)) }

func shapeString(shape []int64) string {
	s := make([]string, len(shape))
	for i, d := range shape {
		s[i] = fmt.Sprint(d)
	}
	return strings.Join(s, " x ")
}
