package page

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Terminal colours, by what they say.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// styled is text in a colour; the grid leaves it plain without colours.
type styled struct{ text, style string }

// grid is a table of text whose columns line up, colours or not.
type grid struct {
	align string // one letter a column, l or r
	color bool
	rows  [][]styled
}

func (g *grid) row(cells ...any) {
	r := make([]styled, len(cells))
	for i, c := range cells {
		switch c := c.(type) {
		case styled:
			r[i] = c
		default:
			r[i] = styled{text: fmt.Sprint(c)}
		}
		r[i].text = clean(r[i].text)
	}
	g.rows = append(g.rows, r)
}

func (g *grid) print(w io.Writer) {
	width := make([]int, len(g.align))
	for _, r := range g.rows {
		for i, c := range r {
			width[i] = max(width[i], utf8.RuneCountInString(c.text))
		}
	}
	for _, r := range g.rows {
		var b strings.Builder
		for i, c := range r {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c.text))
			if i > 0 && width[i] > 0 {
				b.WriteString("  ")
			}
			if g.align[i] == 'r' {
				b.WriteString(pad)
			}
			b.WriteString(paint(c.text, c.style, g.color))
			if g.align[i] == 'l' {
				b.WriteString(pad)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

func paint(s, style string, color bool) string {
	if !color || style == "" || s == "" {
		return s
	}
	return "\x1b[" + style + "m" + s + "\x1b[0m"
}

// bar is v of most in n characters, in eighths.
func bar(v, most float64, n int) string {
	if !(v > 0) || !(most > 0) {
		return ""
	}
	eighths := max(1, int(v/most*float64(8*n)+0.5))
	s := strings.Repeat("█", eighths/8)
	if r := eighths % 8; r > 0 {
		s += string([]rune("▏▎▍▌▋▊▉")[r-1])
	}
	return s
}

// sparkline draws values between their extremes, at most n of them.
func sparkline(v []float64, n int) string {
	if len(v) < 2 {
		return ""
	}
	low, high := v[0], v[0]
	for _, x := range v {
		low, high = min(low, x), max(high, x)
	}
	n = min(n, len(v))
	var b strings.Builder
	for i := range n {
		x := v[i*(len(v)-1)/max(1, n-1)]
		k := 0
		if high > low {
			k = int((x - low) / (high - low) * 7.999)
		}
		b.WriteRune([]rune("▁▂▃▄▅▆▇█")[k])
	}
	return b.String()
}
