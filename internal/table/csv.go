package table

import (
	"encoding/csv"
	"io"
	"strings"

	"github.com/carat-llm/carat/internal/display"
)

// WriteCSV writes rows, the first of which is the header.
func WriteCSV(w io.Writer, rows [][]string) error {
	c := csv.NewWriter(w)
	if err := c.WriteAll(rows); err != nil {
		return err
	}
	return c.Error()
}

// CSVText makes a cell of text from outside: without control characters, and none that spreadsheets take for a formula.
func CSVText(s string) string {
	s = display.Name(s)
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}
