package page

import (
	"fmt"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/internal/display"
)

// far is the factor from which a difference has no number: what is that near to zero is rounding.
const far = 1000

// showRelative formats a difference: +3.1 %.
func showRelative(v float64) string {
	switch {
	case 1+v >= far:
		return fmt.Sprintf("more than %d times", far)
	case 1+v >= 100:
		return fmt.Sprintf("x %.0f", 1+v)
	case v >= 2:
		return fmt.Sprintf("x %.3g", 1+v) // "+1027 %" would have to be read twice
	}
	return fmt.Sprintf("%+.1f %%", 100*v)
}

func showRelativeInterval(ci *figure.Interval) string {
	if ci == nil {
		return ""
	}
	if 1+ci.Low >= far {
		return showRelative(ci.Low) // so is the other end
	}
	return showRelative(ci.Low) + " to " + showRelative(ci.High)
}

func duration(seconds float64) string {
	switch {
	case seconds == 0:
		return "–"
	case seconds < 1e-3:
		return fmt.Sprintf("%.0f µs", seconds*1e6)
	case seconds < 1:
		return fmt.Sprintf("%.1f ms", seconds*1e3)
	}
	return fmt.Sprintf("%.2f s", seconds)
}

func pValue(p float64) string {
	if p < 0.001 {
		return "< 0.001"
	}
	return fmt.Sprintf("%.3f", p)
}

// clean makes text from outside harmless to show: neither terminals nor XML take control characters, and text must not
// run backwards.
func clean(s string) string { return display.Name(s) }

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
