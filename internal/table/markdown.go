package table

import (
	"fmt"
	"strings"
)

// Markdown is text in GitHub's dialect, with tables. Cells are written as they are: who has text from outside escapes it.
type Markdown struct{ strings.Builder }

// Linef writes a line.
func (m *Markdown) Linef(format string, args ...any) { fmt.Fprintf(m, format+"\n", args...) }

// Table begins a table; align has a letter a column, l or r.
func (m *Markdown) Table(align string, head ...string) {
	m.Row(head...)
	rule := make([]string, len(align))
	for i, a := range align {
		rule[i] = map[rune]string{'l': ":--", 'r': "--:"}[a]
	}
	m.Row(rule...)
}

// Row writes a row of a table.
func (m *Markdown) Row(cells ...string) { m.Linef("| %s |", strings.Join(cells, " | ")) }
