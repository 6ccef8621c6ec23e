//go:build amd64 && gc && !noasm && !purego

package kernel

import (
	"unsafe"

	"github.com/carat-llm/carat/internal/cpu"
)

//go:generate go -C _gen run . ..

// native has what tiers add.
var native = map[cpu.Tier]func(t *tier){
	cpu.AVX2: func(t *tier) {
		t.dot4, t.weightedSum = dot4AVX2, weightedSumAVX2
		t.vectors, t.products, t.dense = vectorsAVX2, productsAVX2, denseAVX2
	},
	cpu.AVX512: func(t *tier) { t.vectors, t.products, t.dense = vectorsAVX512, productsAVX512, denseAVX512 },
	cpu.AMX: func(t *tier) {
		t.brains, t.toBrains, t.roundBrains = brainsAMX, toBrainsAVX512, roundBrainsRow
	},
}

// The wrappers check what the assembly will touch; strides turn into bytes.

func dot4AVX2(dst *[4]float32, w []float32, stride int, x []float32, k int) {
	if k == 0 {
		return
	}
	_, _ = w[3*stride+k-1], x[k-1]
	dot4Asm(&dst[0], &w[0], uintptr(stride)*4, &x[0], k)
}

func weightedSumAVX2(dst, p, v []float32, stride int) {
	if len(dst) == 0 || len(p) == 0 {
		clear(dst)
		return
	}
	_ = v[(len(p)-1)*stride+len(dst)-1]
	weightedSumAsm(&dst[0], unsafe.SliceData(p), len(p), &v[0], uintptr(stride)*4, len(dst))
}

// dot4Asm is tier.dot4: for r < 4 { for i < k { dst[r] += w[r*stride+i] * x[i] } } in eight lanes.
//
//go:noescape
func dot4Asm(dst, w *float32, stride uintptr, x *float32, k int)

// weightedSumAsm is tier.weightedSum: for i < cols { dst[i] = sum of p[j]*v[j*stride+i] over j < n }.
//
//go:noescape
func weightedSumAsm(dst, p *float32, n int, v *float32, stride uintptr, cols int)
