package page

import (
	"strings"

	"github.com/carat-llm/carat/internal/table"
)

// styled is text in a colour.
func styled(text, style string) table.Cell { return table.Cell{Text: text, Style: style} }

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
