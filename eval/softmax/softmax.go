// Package softmax computes with the logits of a whole vocabulary: what comparing distributions costs.
//
// Results are the same bits on every tier and platform. exp is a function of our own, within 3e-16 relatively, and sums
// are float64 in eight lanes: lane i takes elements i, i+8, ...; the lanes are joined 8 to 4, 2, 1, lane i with the one half
// of them further. Plain Go is the specification, and what the assembly of amd64 is tested against.
//
// Logits that are -Inf have no probability. A sum with NaN in it is NaN, wherever it is: a broken model must be seen.
package softmax

import "github.com/carat-llm/carat/internal/elementary"

// lanes are partial sums.
type lanes [8]float64

func (l *lanes) join() float64 {
	for half := len(l) / 2; half > 0; half /= 2 {
		for i := range half {
			l[i] += l[i+half]
		}
	}
	return l[0]
}

// LogSumExp is log(sum(exp(logits))), shifted by top, the largest logit.
func LogSumExp(logits []float32, top float32) float64 {
	return float64(top) + elementary.Log(Sum(logits, top))
}

// Sum is the sum of exp(logits - top); no logit may be above top.
func Sum(logits []float32, top float32) float64 {
	var s lanes
	n := sum(&s, logits, float64(top))
	sumGeneric(&s, logits[n:], float64(top))
	return s.join()
}

// Exp is Sum and leaves the exponentials in e, which must be as long as logits.
func Exp(e []float64, logits []float32, top float32) float64 {
	var s lanes
	e = e[:len(logits)]
	n := exps(&s, e, logits, float64(top))
	expsGeneric(&s, e[n:], logits[n:], float64(top))
	return s.join()
}

// Divergence is the sum of e (p - q + shift) where e, as Exp leaves it of p, is above least: what is not possible by p may
// be so by q. With shift the LogSumExp of q less that of p, and divided by the sum of e, it is the Kullback-Leibler
// divergence of q from p: exactly 0 where they are equal. The slices must be equally long.
func Divergence(e []float64, p, q []float32, shift, least float64) float64 {
	var s lanes
	p, q = p[:len(e)], q[:len(e)]
	n := divergence(&s, e, p, q, shift, least)
	divergenceGeneric(&s, e[n:], p[n:], q[n:], shift, least)
	return s.join()
}

// Top is the index of the largest of x, of equals the first.
func Top(x []float32) int {
	top := 0
	for i := 0; i < len(x); i++ {
		if i += Above(x[i:], x[top]); i < len(x) {
			top = i
		}
	}
	return top
}

// Above is the index of the first of x that is above bound, which NaN is not; len(x) when there is none.
func Above(x []float32, bound float32) int {
	n := above(x, bound)
	return n + aboveGeneric(x[n:], bound)
}
