// Package table prints text in columns that line up, with colours or without.
package table

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/carat-llm/carat/internal/display"
)

// Terminal colours, by what they say.
const (
	Bold   = "1"
	Dim    = "2"
	Red    = "31"
	Green  = "32"
	Yellow = "33"
)

// Cell is text in a colour, "" for none.
type Cell struct{ Text, Style string }

// Table is rows of cells. What is in them may come from files: it is shown without control characters.
type Table struct {
	// Align has one letter a column, l or r; columns beyond are flush left.
	Align string
	Color bool
	rows  [][]Cell
}

// Row adds a row: cells, and other values as fmt prints them.
func (t *Table) Row(cells ...any) {
	r := make([]Cell, len(cells))
	for i, c := range cells {
		if cell, ok := c.(Cell); ok {
			r[i] = cell
		} else {
			r[i].Text = fmt.Sprint(c)
		}
		r[i].Text = display.Name(r[i].Text)
	}
	t.rows = append(t.rows, r)
}

func (t *Table) right(column int) bool { return column < len(t.Align) && t.Align[column] == 'r' }

// Print writes the rows. The last cell of a row that is shorter than others, if flush left, makes its column no wider.
func (t *Table) Print(w io.Writer) {
	var width []int
	for _, r := range t.rows {
		for i, c := range r {
			if i == len(width) {
				width = append(width, 0)
			}
			if i+1 < len(r) || t.right(i) {
				width[i] = max(width[i], utf8.RuneCountInString(c.Text))
			}
		}
	}
	for _, r := range t.rows {
		var b strings.Builder
		for i, c := range r {
			n := utf8.RuneCountInString(c.Text)
			pad := strings.Repeat(" ", max(0, width[i]-n))
			if i > 0 && width[i]+n > 0 {
				b.WriteString("  ")
			}
			if t.right(i) {
				b.WriteString(pad)
			}
			b.WriteString(Paint(c.Text, c.Style, t.Color))
			if !t.right(i) {
				b.WriteString(pad)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// Paint is s in a colour, if there are colours.
func Paint(s, style string, color bool) string {
	if !color || style == "" || s == "" {
		return s
	}
	return "\x1b[" + style + "m" + s + "\x1b[0m"
}
