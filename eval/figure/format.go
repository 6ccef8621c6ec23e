package figure

import (
	"fmt"
	"math"
)

// Nats shows a divergence.
func Nats(v float64) string {
	switch a := math.Abs(v); {
	case a != 0 && a < 1e-5:
		return fmt.Sprintf("%.2e", v)
	case a != 0 && a < 1e-3:
		return Significant(v)
	case a < 1:
		return fmt.Sprintf("%.5f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// Significant shows three significant digits without an exponent, trailing zeros kept.
func Significant(v float64) string {
	if v == 0 || math.Abs(v) < 1e-6 || math.Abs(v) >= 1e6 {
		return fmt.Sprintf("%.3g", v)
	}
	return fmt.Sprintf("%.*f", max(0, 2-int(math.Floor(math.Log10(math.Abs(v))))), v)
}

// Percent shows a share from 0 to 1.
func Percent(v float64) string { return fmt.Sprintf("%.2f %%", 100*v) }

// Rate shows tokens per second.
func Rate(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

// fixed shows so many digits after the point.
func fixed(digits int) func(v float64) string {
	return func(v float64) string { return fmt.Sprintf("%.*f", digits, v) }
}

// General shows four digits.
func General(v float64) string { return fmt.Sprintf("%.4g", v) }
