package generate

import (
	"math"
	"slices"
)

// order finds the largest of many logits, in order, equal ones by their ids. It sorts keys: in the upper 32 bits a number that is the
// smaller the larger the logit is, in the lower the id; NaNs are last.
type order struct{ keys, other []uint64 }

func key(logit float32, id int) uint64 {
	bits := math.Float32bits(logit)
	switch {
	case logit == 0: // of either sign
		bits = 1 << 31
	case math.IsNaN(float64(logit)):
		bits = 0
	case bits>>31 == 0:
		bits |= 1 << 31
	default:
		bits = ^bits
	}
	return uint64(^bits)<<32 | uint64(id)
}

// best returns the keys of the k largest logits, of all for k = 0, valid until the next call.
func (o *order) best(logits []float32, k int) []uint64 {
	if n := len(logits); k == 0 || k > n/8 {
		o.keys = slices.Grow(o.keys[:0], n)
		for i, v := range logits {
			o.keys = append(o.keys, key(v, i))
		}
		o.sort()
		if k > 0 {
			return o.keys[:min(k, n)]
		}
		return o.keys
	}
	// A heap of the best so far, the worst of them at its root.
	heap := o.keys[:0]
	for i, v := range logits[:k] {
		heap = append(heap, key(v, i))
	}
	for i := k/2 - 1; i >= 0; i-- {
		sink(heap, i)
	}
	worst := logits[uint32(heap[0])]
	for i := k; i < len(logits); i++ {
		if logits[i] < worst { // most are
			continue
		}
		if x := key(logits[i], i); x < heap[0] {
			heap[0] = x
			sink(heap, 0)
			worst = logits[uint32(heap[0])]
		}
	}
	o.keys = heap
	slices.Sort(heap)
	return heap
}

// sink moves the element at i of a heap, whose largest is first, to where it belongs.
func sink(heap []uint64, i int) {
	for {
		child := 2*i + 1
		if child >= len(heap) {
			return
		}
		if child+1 < len(heap) && heap[child+1] > heap[child] {
			child++
		}
		if heap[child] <= heap[i] {
			return
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}

// sort sorts keys, which are in the order of their ids, by their upper halves: digit by digit, the lowest first.
func (o *order) sort() {
	const digit, digits = 11, 3
	var counts [digits][1 << digit]int32
	for _, x := range o.keys {
		for d := range digits {
			counts[d][x>>(32+digit*d)&(1<<digit-1)]++
		}
	}
	o.other = slices.Grow(o.other[:0], len(o.keys))[:len(o.keys)]
	for d := range digits {
		var sum int32
		for i, n := range counts[d] {
			counts[d][i] = sum
			sum += n
		}
		for _, x := range o.keys {
			at := &counts[d][x>>(32+digit*d)&(1<<digit-1)]
			o.other[*at] = x
			*at++
		}
		o.keys, o.other = o.other, o.keys
	}
}
