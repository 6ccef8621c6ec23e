package model

import (
	"math"

	"github.com/carat-llm/carat/runtime/kernel"
)

// altup makes several residual streams of one and one of several. A token's row holds all streams one after the other.
type altup struct {
	streams, width int
	spread, merge  []linear // of each stream but the first, width -> width
}

// enter fills x, n rows of all streams, from one stream: the others are projections of the first, with its magnitude.
func (a *altup) enter(s *Session, x, first []float32, n int) {
	a.each(s, a.spread, n, func(int) []float32 { return first }, func(stream, i int, row []float32) {
		copyMagnitude(row, first[i*a.width:(i+1)*a.width])
		copy(x[(i*a.streams+stream)*a.width:], row)
	})
	for i := range n {
		copy(x[i*a.streams*a.width:], first[i*a.width:(i+1)*a.width])
	}
}

// leave fills dst with the mean of the first stream and projections of the others, with its magnitude.
func (a *altup) leave(s *Session, dst, x []float32, n int) {
	for i := range n {
		copy(dst[i*a.width:(i+1)*a.width], x[i*a.streams*a.width:])
	}
	mark := s.arena.mark()
	rows, first := s.arena.floats(n*a.width), s.arena.floats(n*a.width)
	copy(first, dst)
	a.each(s, a.merge, n, func(stream int) []float32 {
		for i := range n {
			copy(rows[i*a.width:(i+1)*a.width], x[(i*a.streams+stream)*a.width:])
		}
		return rows
	}, func(_, i int, row []float32) {
		copyMagnitude(row, first[i*a.width:(i+1)*a.width])
		kernel.AddBias(dst[i*a.width:(i+1)*a.width], row)
	})
	s.pool.Scale(dst, 1/float32(a.streams))
	s.arena.release(mark)
}

// each multiplies, for each stream but the first, n rows that from gives by its matrix and gives the results to f.
func (a *altup) each(s *Session, matrices []linear, n int, from func(stream int) []float32, f func(stream, i int, row []float32)) {
	mark := s.arena.mark()
	out := s.arena.floats(n * a.width)
	for j := range matrices {
		s.apply(from(j+1), n, output{out, &matrices[j]})
		for i := range n {
			f(j+1, i, out[i*a.width:(i+1)*a.width])
		}
	}
	s.arena.release(mark)
}

// copyMagnitude scales x so that the mean of its squares is that of like.
func copyMagnitude(x, like []float32) {
	const least = 1e-5
	kernel.Scale(x, rootMean(like)/max(rootMean(x), float32(math.Sqrt(least))))
}

func rootMean(x []float32) float32 {
	var sum float64
	for _, v := range x {
		sum += float64(float64(v) * float64(v))
	}
	return float32(math.Sqrt(sum / float64(len(x))))
}
