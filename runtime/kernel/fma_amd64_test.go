//go:build gc && !noasm && !purego

package kernel

import (
	"math/rand/v2"
	"testing"

	"github.com/carat-llm/carat/internal/cpu"
	"github.com/stretchr/testify/require"
)

// TestFMAIsTheProcessors: fma32 is VFMADD. weightedSum's second row gives b*a + c, but for the sign of a zero c.
func TestFMAIsTheProcessors(t *testing.T) {
	if cpu.Available()[0] < cpu.AVX2 {
		t.Skip("the processor has no FMA")
	}
	for _, c := range fmaCases(rand.New(rand.NewPCG(23, 24)), 50000) {
		var got [8]float32
		weightedSumAVX2(got[:], []float32{1, c[1]}, []float32{c[2], 0, 0, 0, 0, 0, 0, 0, c[0], 0, 0, 0, 0, 0, 0, 0}, 8)
		want := fma32(c[0], c[1], c[2]+0)
		if !sameBits(want, got[0]) {
			require.Failf(t, "not the same bits", "%x * %x + %x: processor %x, fma32 %x", c[0], c[1], c[2], got[0], want)
		}
	}
}
