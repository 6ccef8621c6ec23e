//go:build amd64 && gc && !noasm && !purego

package codec

import "github.com/carat-llm/carat/internal/cpu"

func packNibbles(dst []byte, L *[superBlock]uint8) {
	if cpu.Current() < cpu.AVX2 {
		packNibblesGeneric(dst, L)
		return
	}
	packNibblesAVX2(&dst[:128][0], &L[0])
}

func pack2(dst []byte, L *[superBlock]uint8) {
	if cpu.Current() < cpu.AVX2 {
		pack2Generic(dst, L)
		return
	}
	pack2AVX2(&dst[:64][0], &L[0])
}

func packBits(dst []byte, L *[superBlock]uint8, n int) {
	if cpu.Current() < cpu.AVX2 {
		packBitsGeneric(dst, L, n)
		return
	}
	packBitsAVX2(&dst[:32][0], &L[0], n)
}

func pack6(dst []byte, L *[superBlock]uint8) {
	if cpu.Current() < cpu.AVX2 {
		pack6Generic(dst, L)
		return
	}
	pack6AVX2(&dst[:192][0], &L[0])
}
