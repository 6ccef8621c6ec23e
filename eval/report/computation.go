package report

import (
	"cmp"
	"fmt"
)

// Computation says how models are computed. The zero value is what was said before there was a choice: exact, with a
// key-value cache of F32.
type Computation struct {
	// Compute is exact or fast: whether activations are rounded to 8 bits.
	Compute string `json:"compute,omitempty"`
	// KVType is the type of the key-value cache: F32, F16 or Q8_0.
	KVType string `json:"kv_type,omitempty"`
}

// Whole returns c with nothing left out.
func (c Computation) Whole() Computation {
	return Computation{cmp.Or(c.Compute, "exact"), cmp.Or(c.KVType, "F32")}
}

// Is reports whether o is the same computation.
func (c Computation) Is(o Computation) bool { return c.Whole() == o.Whole() }

// Usual reports whether it is the zero value's.
func (c Computation) Usual() bool { return c.Is(Computation{}) }

// String is "fast, cache F16".
func (c Computation) String() string {
	c = c.Whole()
	return fmt.Sprintf("%s, cache %s", c.Compute, c.KVType)
}
