package kernel

import (
	"errors"
	"math"
	"slices"

	"github.com/carat-llm/carat/internal/suggest"
)

// Compute says how products of weights and activations are computed.
type Compute int

const (
	// Exact computes what the weights mean: the same bits for any number of threads and any split of the tokens into
	// batches.
	Exact Compute = iota
	// Fast may round activations to 8 bits.
	Fast
)

var computes = []string{Exact: "exact", Fast: "fast"}

// String is the name that flags and reports have for it.
func (c Compute) String() string { return computes[c] }

// MarshalText implements encoding.TextMarshaler.
func (c Compute) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Compute) UnmarshalText(name []byte) error {
	i := slices.Index(computes, string(name))
	if i < 0 {
		return errors.New(suggest.OneOf("compute", string(name), computes))
	}
	*c = Compute(i)
	return nil
}

// SameRows is the number of rows up to which products and attention of a row are the same bits whatever is computed with it: any number,
// but in fast computation where many rows are computed in BF16.
func SameRows(c Compute) int {
	if k := active(); c == Fast && k.tilesBF16 != nil {
		return k.mostNarrow
	}
	return math.MaxInt
}
