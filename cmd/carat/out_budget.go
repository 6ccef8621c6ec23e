package main

import (
	"fmt"
	"io"

	"github.com/carat-llm/carat/eval/page"
	"github.com/carat-llm/carat/internal/display"
)

// budgetReport is the JSON of types that were chosen under a budget.
type budgetReport struct {
	FileBytes     int64   `json:"file_bytes"`
	MostBytes     int64   `json:"most_bytes,omitempty"`
	BitsPerWeight float64 `json:"bits_per_weight"`
	// Expected is the divergence that was measured of each tensor alone, and summed; no choice within the budget is below Bound.
	Expected float64 `json:"expected_divergence"`
	Bound    float64 `json:"bound,omitempty"`
	// Of a limit of divergence no file is smaller than LeastBytes.
	MostDivergence float64 `json:"most_divergence,omitempty"`
	LeastBytes     int64   `json:"least_bytes,omitempty"`
	// PresetBits are those that presets would need for the expected divergence, rounded in the same way.
	PresetBits float64 `json:"preset_bits_per_weight,omitempty"`
	BitsGained float64 `json:"bits_gained,omitempty"`
	// Correction is measured by expected divergence of the file that was built of these measurements before.
	Correction float64 `json:"correction,omitempty"`
	// Measured is the divergence of the finished file on the text of --eval, and Ratio that by Expected.
	Measured float64 `json:"measured_divergence,omitempty"`
	Ratio    float64 `json:"measured_over_expected,omitempty"`
	// Rates are tokens a second when decoding on this machine, computed exactly.
	LeastRate    float64    `json:"least_tokens_per_second,omitempty"`
	ExpectedRate float64    `json:"expected_tokens_per_second,omitempty"`
	Memory       *memoryUse `json:"memory,omitempty"`
	// Curve is what other budgets come to.
	Curve *page.Curve `json:"curve,omitempty"`
}

// memoryUse is what running the file takes, in bytes.
type memoryUse struct {
	Context int   `json:"context"`
	Weights int64 `json:"weights"`
	Cache   int64 `json:"cache"`
	Work    int64 `json:"work"`
	Sum     int64 `json:"sum"`
	Most    int64 `json:"most"`
}

func (m *memoryUse) String() string {
	return fmt.Sprintf("%s of file, %s of cache for %d tokens and %s of intermediate results are %s of at most %s", display.Bytes(m.Weights),
		display.Bytes(m.Cache), m.Context, display.Bytes(m.Work), display.Bytes(m.Sum), display.Bytes(m.Most))
}

// note is said before the work begins.
func (a *allocation) note() string {
	if a.MostDivergence > 0 {
		return fmt.Sprintf("%s for at most %.4g nats; %s", display.Bytes(a.FileBytes), a.MostDivergence, a.expected())
	}
	return fmt.Sprintf("%s of at most %s; %s", display.Bytes(a.FileBytes), display.Bytes(a.MostBytes), a.expected())
}

// expected says how good the types are.
func (b *budgetReport) expected() string {
	s := fmt.Sprintf("expected divergence %.4g nats, ", b.Expected)
	if b.MostDivergence > 0 {
		if b.Correction > 1 {
			s += fmt.Sprintf("%.4g if it is %.3g times as much as in the file that was built before, ", b.Expected*b.Correction, b.Correction)
		}
		if b.LeastBytes >= b.FileBytes {
			return s + "in the smallest file there is"
		}
		return s + fmt.Sprintf("in a file at most %.2g %% larger than the smallest there is", 100*(float64(b.FileBytes)/float64(b.LeastBytes)-1))
	}
	switch above := b.Expected/b.Bound - 1; {
	case b.Bound >= b.Expected:
		return s + "the least there is"
	case above < 0.1:
		return s + fmt.Sprintf("at most %.2g %% above the least there is", 100*above)
	}
	return s + fmt.Sprintf("where the best types of that size have %.4g", b.Bound)
}

// print says what the budget came to.
func (b *budgetReport) print(out io.Writer) {
	if b == nil {
		return
	}
	if b.FileBytes > 0 {
		printf(out, "%s\n", b.expected())
	}
	if b.PresetBits > 0 {
		printf(out, "presets rounded in the same way would need %.2f bits per weight for it: %.2f gained\n", b.PresetBits, b.BitsGained)
	}
	if b.ExpectedRate > 0 {
		printf(out, "expected %.4g tokens/s when decoding here, computed exactly, of at least %.4g\n", b.ExpectedRate, b.LeastRate)
	}
	if b.Memory != nil {
		printf(out, "%s\n", b.Memory)
	}
}

// printMeasured compares the finished file with what was expected of it.
func (b *budgetReport) printMeasured(out io.Writer) {
	if b == nil || b.Measured == 0 {
		return
	}
	printf(out, "expected divergence %.4g nats, measured %.4g: %.2f times as much\n\n", b.Expected, b.Measured, b.Ratio)
}

// printCurve compares presets with the best types.
func (b *budgetReport) printCurve(out io.Writer) {
	if b == nil || b.Curve == nil || len(b.Curve.Best) == 0 {
		return
	}
	c := b.Curve
	if b.FileBytes > 0 {
		printf(out, "\n")
	}
	t := newTable(out)
	t.row("types of", "    size", "bits", "divergence", "best types of that size", "smallest file as close")
	for _, r := range c.Rows() {
		same, least := "", ""
		if r.Same != nil {
			same = fmt.Sprintf("%.5f (%s)", r.Same.Divergence, r.Fewer())
		}
		if r.Least != nil {
			least = fmt.Sprintf("%s (%s)", size(r.Least.Bytes), r.Smaller())
		}
		t.row(r.Name, size(r.Bytes), fmt.Sprintf("%.2f", r.Bits), fmt.Sprintf("%.5f", r.Divergence), same, least)
	}
	t.flush()
	first, last := c.Best[0], c.Best[len(c.Best)-1]
	printf(out, "\nExpected divergences in nats. The best types reach from %s with %.4g to %s with %.4g.\n", display.Bytes(first.Bytes), first.Divergence, display.Bytes(last.Bytes), last.Divergence)
}
