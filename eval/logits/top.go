package logits

import (
	"cmp"
	"slices"

	"github.com/carat-llm/carat/eval/softmax"
)

// likeliest returns the ids of the n largest logits, the largest first and of equals the lower id.
func likeliest(logits []float32, n int) []int32 {
	less := func(a, b int32) bool { return logits[a] < logits[b] || logits[a] == logits[b] && a > b }
	// heap has the least likely of those kept at its top.
	heap := make([]int32, n)
	sift := func(i int) {
		for {
			least := i
			for c := 2*i + 1; c <= 2*i+2 && c < len(heap); c++ {
				if less(heap[c], heap[least]) {
					least = c
				}
			}
			if least == i {
				return
			}
			heap[i], heap[least] = heap[least], heap[i]
			i = least
		}
	}
	for i := range heap {
		heap[i] = int32(i)
	}
	for i := n/2 - 1; i >= 0; i-- {
		sift(i)
	}
	for id := n; id < len(logits); id++ {
		// An equal one has the higher id.
		if id += softmax.Above(logits[id:], logits[heap[0]]); id < len(logits) {
			heap[0] = int32(id)
			sift(0)
		}
	}
	slices.SortFunc(heap, func(a, b int32) int { return cmp.Or(cmp.Compare(logits[b], logits[a]), cmp.Compare(a, b)) })
	return heap
}
