//go:build amd64 && gc && !noasm && !purego

package softmax

import "github.com/carat-llm/carat/internal/cpu"

// The functions below do the first elements, whole blocks of them, in assembly, and return how many.

const (
	block       = len(lanes{})
	searchBlock = 32 // elements that above looks at together
)

func sum(s *lanes, x []float32, top float64) int {
	n := len(x) / block
	switch tier := cpu.Current(); {
	case n == 0 || tier < cpu.AVX2:
		return 0
	case tier >= cpu.AVX512:
		sumAVX512(s, &x[0], n, top)
	default:
		sumAVX2(s, &x[0], n, top)
	}
	return n * block
}

func exps(s *lanes, e []float64, x []float32, top float64) int {
	n := len(x) / block
	switch tier := cpu.Current(); {
	case n == 0 || tier < cpu.AVX2:
		return 0
	case tier >= cpu.AVX512:
		expsAVX512(s, &e[0], &x[0], n, top)
	default:
		expsAVX2(s, &e[0], &x[0], n, top)
	}
	return n * block
}

func divergence(s *lanes, e []float64, p, q []float32, shift, least float64) int {
	n := len(e) / block
	switch tier := cpu.Current(); {
	case n == 0 || tier < cpu.AVX2:
		return 0
	case tier >= cpu.AVX512:
		divergenceAVX512(s, &e[0], &p[0], &q[0], n, shift, least)
	default:
		divergenceAVX2(s, &e[0], &p[0], &q[0], n, shift, least)
	}
	return n * block
}

// above is the start of the first block that has an element above bound.
func above(x []float32, bound float32) int {
	n := len(x) / searchBlock
	switch tier := cpu.Current(); {
	case n == 0 || tier < cpu.AVX2:
		return 0
	case tier >= cpu.AVX512:
		return searchBlock * aboveAVX512(&x[0], n, bound)
	default:
		return searchBlock * aboveAVX2(&x[0], n, bound)
	}
}

// constants are those of exp, a vector each, in the order of constants_amd64.h.
//
//lint:ignore U1000 the assembly reads them
var constants = [...][4]float64{
	{least, least, least, least},
	{magic, magic, magic, magic},
	{log2e, log2e, log2e, log2e},
	{ln2High, ln2High, ln2High, ln2High},
	{ln2Low, ln2Low, ln2Low, ln2Low},
	{1, 1, 1, 1},
	{exp2, exp2, exp2, exp2},
	{exp3, exp3, exp3, exp3},
	{exp4, exp4, exp4, exp4},
	{exp5, exp5, exp5, exp5},
	{exp6, exp6, exp6, exp6},
	{exp7, exp7, exp7, exp7},
	{exp8, exp8, exp8, exp8},
	{exp9, exp9, exp9, exp9},
	{exp10, exp10, exp10, exp10},
	{exp11, exp11, exp11, exp11},
}

// Of n blocks, at least one:

//go:noescape
func sumAVX512(s *lanes, x *float32, n int, top float64)

//go:noescape
func sumAVX2(s *lanes, x *float32, n int, top float64)

//go:noescape
func expsAVX512(s *lanes, e *float64, x *float32, n int, top float64)

//go:noescape
func expsAVX2(s *lanes, e *float64, x *float32, n int, top float64)

//go:noescape
func divergenceAVX512(s *lanes, e *float64, p, q *float32, n int, shift, least float64)

//go:noescape
func divergenceAVX2(s *lanes, e *float64, p, q *float32, n int, shift, least float64)

//go:noescape
func aboveAVX512(x *float32, n int, bound float32) int

//go:noescape
func aboveAVX2(x *float32, n int, bound float32) int
