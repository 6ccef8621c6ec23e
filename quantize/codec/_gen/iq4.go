package main

import (
	"math"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// iq4Values are what the indices of the formats stand for.
var iq4Values = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// iq4 writes the search for the scales of IQ4_NL and IQ4_XS, and the rounding to indices.
func iq4(t *tier) {
	t.function("searchIQ4", "(scales, x, w, nearest *float32)", "is searchIQ4 of sub-blocks of 32 elements, one a lane, weights w. nearest is iq4Nearest.")
	scales, x, w := t.pointer("scales"), t.pointer("x"), t.pointer("w")
	nearest := t.iq4Rounder()
	signed := t.signedMost(x, 32)
	// correlate returns Σwxq and Σwq² for two inverse scales.
	correlate := func(inverse [2]reg.VecVirtual) (qx, q2 [2]reg.VecVirtual) {
		qx, q2 = [2]reg.VecVirtual{t.zero(), t.zero()}, [2]reg.VecVirtual{t.zero(), t.zero()}
		t.rows(32, []reg.Register{x, w}, func(at []operand.Mem) {
			v, weight := t.load(at[0]), t.load(at[1])
			for i, id := range inverse {
				q := nearest(t.mul(id, v))
				wq := t.mul(weight, q)
				t.sum(qx[i], t.mul(wq, v))
				t.sum(q2[i], t.mul(wq, q))
			}
		})
		return qx, q2
	}
	scale, best := t.vec(), t.vec()
	try := func(qx, q2 reg.VecVirtual) {
		better := t.both(t.compare(q2, greater, t.constant(0)), t.compare(t.mul(qx, qx), greater, t.mul(best, q2)))
		s := t.div(qx, q2)
		t.set(scale, t.choose(better, s, scale))
		t.set(best, t.choose(better, t.mul(s, qx), best))
	}
	// The largest element is laid on the lowest value, however good that is, or up to 7 steps beside it.
	plain := t.div(t.bits(math.Float32bits(1)), t.div(t.xor(signed, t.constant(1<<31)), t.float(-127)))
	qx, q2 := correlate([2]reg.VecVirtual{plain, t.div(t.bits(math.Float32bits(-134)), signed)})
	t.set(scale, t.choose(t.compare(q2[0], greater, t.constant(0)), t.div(qx[0], q2[0]), t.zero()))
	t.set(best, t.mul(scale, qx[0]))
	try(qx[1], q2[1])
	beside := t.GP64()
	t.LEAQ(t.table("iq4Beside", floats(-133, -132, -131, -130, -129, -128, -127, -126, -125, -124, -123, -122, -121, -120)...), beside)
	t.loop(t.counter(7), func() {
		qx, q2 := correlate([2]reg.VecVirtual{t.div(t.spread(at(beside, 0)), signed), t.div(t.spread(at(beside, 4)), signed)})
		try(qx[0], q2[0])
		try(qx[1], q2[1])
		t.advance(beside, 8)
	})
	small := t.compare(t.and(signed, t.constant(1<<31-1)), less, t.float(1e-15))
	t.store(t.choose(small, t.zero(), scale), at(scales, 0))
	t.end()
	if t.wide() {
		t.packIQ4()
	}
}

// iq4Rounder returns what rounds to the nearest value, the upper of two as near, for magnitudes up to 139.
func (t *tier) iq4Rounder() func(v reg.VecVirtual) reg.VecVirtual {
	if t.wide() {
		index, values := t.iq4Indexer(), t.load(t.table("iq4Values", floats(iq4Values[:]...)...))
		return func(v reg.VecVirtual) reg.VecVirtual { return t.do(t.VPERMPS, index(v), values) }
	}
	table := t.pointer("nearest")
	return func(v reg.VecVirtual) reg.VecVirtual {
		// Lanes of zeros have NaN here, which becomes a limit.
		slot := t.max(t.min(t.add(v, v), t.float(511)), t.float(-511))
		t.VROUNDPS(operand.Imm(1), slot, slot) // down
		t.VCVTPS2DQ(slot, slot)
		q, all := t.vec(), t.vec()
		t.VPCMPEQD(all, all, all)
		t.VGATHERDPS(all, operand.Mem{Base: table, Index: slot, Scale: 4, Disp: 512 * 4}, q)
		return q
	}
}

// iq4Indexer returns what finds the index of the nearest value in its lowest four bits, for AVX-512. It cuts the numbers
// into buckets so narrow that one border between values at most lies in each. Two tables by the number of the bucket, whose
// lowest 5 bits count as -16 to 15, hold the index of the value below the border, and the border.
func (t *tier) iq4Indexer() func(v reg.VecVirtual) reg.VecVirtual {
	const wide = 8.8
	below, border := make([]uint32, 32), make([]uint32, 32)
	for i := range border {
		bucket := float64(int32(uint32(i)<<27) >> 27)
		from, to := (bucket-0.5)*wide, (bucket+0.5)*wide
		border[i] = math.Float32bits(float32(math.Inf(1)))
		for l := range 15 {
			middle := float64(iq4Values[l]+iq4Values[l+1]) / 2
			if middle <= from {
				below[i]++
			} else if middle < to {
				border[i] = math.Float32bits(float32(middle))
			}
		}
	}
	belowMem, borderMem := t.table("iq4Below", below...), t.table("iq4Border", border...)
	low, high := t.load(belowMem), t.load(belowMem.Offset(64))
	lowBorder, highBorder := t.load(borderMem), t.load(borderMem.Offset(64))
	narrow, bias, one := t.float(1/wide), t.float(stepBias), t.constant(1)
	return func(v reg.VecVirtual) reg.VecVirtual {
		bucket, limit := t.vec(), t.vec()
		t.set(bucket, bias)
		t.VFMADD231PS(v, narrow, bucket) // fused, as no border is near the end of a bucket
		t.set(limit, bucket)
		t.VPERMI2PS(highBorder, lowBorder, limit)
		t.VPERMI2D(high, low, bucket)
		t.VPADDD(one, bucket, t.compare(v, notLess, limit), bucket)
		return bucket
	}
}

// packIQ4 writes the rounding to indices, in the order of elements.
func (t *tier) packIQ4() {
	t.function("packIQ4", "(dst *byte, x, inverse *float32, n int)", "is packIQ4 of n sub-blocks.")
	dst, x, inverse, n := t.pointer("dst"), t.pointer("x"), t.pointer("inverse"), t.pointer("n")
	index := t.iq4Indexer()
	low, high := t.float(-130), t.float(130) // beyond all borders, which catches infinities, and NaN as the highest
	t.loop(n, func() {
		id := t.spread(at(inverse, 0))
		var nibbles [2]reg.VecVirtual
		for i := range nibbles {
			nibbles[i] = index(t.max(t.min(t.mul(id, at(x, 64*i)), high), low))
		}
		t.VPSLLD(operand.Imm(4), nibbles[1], nibbles[1])
		t.VPORD(nibbles[0], nibbles[1], nibbles[0])
		t.VPMOVDB(nibbles[0], at(dst, 0))
		t.advance(inverse, 4)
		t.advance(x, 128)
		t.advance(dst, 16)
	})
	t.end()
}
