package main

import (
	"fmt"
	"strings"
)

// markdown is a table that grows by rows.
type markdown struct{ strings.Builder }

// newTable begins a table whose first column is text and whose others are numbers.
func newTable(columns ...string) *markdown {
	t := &markdown{}
	t.row(columns...)
	t.WriteString("|---|" + strings.Repeat("---:|", len(columns)-1) + "\n")
	return t
}

func (t *markdown) row(cells ...string) {
	t.WriteString("| " + strings.Join(cells, " | ") + " |\n")
}

// number prints three or four digits, and a dash for what is not known.
func number(v float64) string {
	switch {
	case v <= 0:
		return "-"
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// inverse prints the milliseconds that one of rate a second takes.
func inverse(rate float64) string {
	if rate <= 0 {
		return number(0)
	}
	return number(1000 / rate)
}

// of prints the best figure, with the median in brackets.
func of(best, median float64) string {
	if best <= 0 || number(best) == number(median) {
		return number(best)
	}
	return fmt.Sprintf("%s (%s)", number(best), number(median))
}

// ratio prints a / b in bold, a dash when one is not known.
func ratio(a, b float64) string {
	if a <= 0 || b <= 0 {
		return "-"
	}
	return fmt.Sprintf("**%.2f**", a/b)
}

// code is a block of commands.
func code(lines ...string) string {
	return "    " + strings.Join(lines, "\n    ") + "\n"
}

// failures lists what could not be measured.
func failures(failed []string) string {
	if len(failed) == 0 {
		return ""
	}
	return "\nNot measured:\n\n- " + strings.Join(failed, "\n- ") + "\n"
}
