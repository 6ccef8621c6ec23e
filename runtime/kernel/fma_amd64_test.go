//go:build gc && !noasm && !purego

package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/carat-llm/carat/internal/cpu"
	"github.com/stretchr/testify/require"
)

// TestFMAIsTheProcessors: fma32 is VFMADD, of which a product of one row, one element and 16 columns is made.
func TestFMAIsTheProcessors(t *testing.T) {
	if cpu.Available()[0] < cpu.AVX2 {
		t.Skip("the processor has no FMA")
	}
	for _, c := range fmaCases(rand.New(rand.NewPCG(23, 24)), 50000) {
		got, b := [16]float32{7: c[2]}, [16]float32{7: c[1]}
		productAVX2(got[:], 16, c[:1], 1, b[:], 16, 1, 16, 1, false)
		want := fma32(c[0], c[1], c[2])
		if !sameBits(want, got[7]) {
			require.Failf(t, "not the same bits", "%x * %x + %x: processor %x, fma32 %x", c[0], c[1], c[2], got[7], want)
		}
	}
}
