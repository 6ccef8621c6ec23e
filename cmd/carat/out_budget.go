package main

import (
	"fmt"
	"io"

	"github.com/carat-llm/carat/internal/display"
)

// budgetReport is the JSON of types that were chosen under a budget.
type budgetReport struct {
	FileBytes     int64   `json:"file_bytes"`
	MostBytes     int64   `json:"most_bytes,omitempty"`
	BitsPerWeight float64 `json:"bits_per_weight"`
	// Expected is the divergence that was measured of each tensor alone, and summed; no choice within the budget is below Bound.
	Expected float64    `json:"expected_divergence"`
	Bound    float64    `json:"bound"`
	Memory   *memoryUse `json:"memory,omitempty"`
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
	return fmt.Sprintf("%s of at most %s; %s", display.Bytes(a.FileBytes), display.Bytes(a.MostBytes), a.expected())
}

// expected says how good the choice is.
func (b *budgetReport) expected() string {
	s := fmt.Sprintf("expected divergence %.4g nats, ", b.Expected)
	if b.Bound >= b.Expected {
		return s + "the least there is"
	}
	return s + fmt.Sprintf("at most %.2g %% above the least there is", 100*(b.Expected/b.Bound-1))
}

// print says what the budget came to.
func (b *budgetReport) print(out io.Writer) {
	if b == nil {
		return
	}
	if b.Memory != nil {
		printf(out, "%s\n", b.Memory)
	}
}
