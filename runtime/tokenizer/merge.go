package tokenizer

import "container/heap"

// symbol is a piece of a text under way to become a token: text[start:end], linked to its neighbours.
// end == start marks one that was merged away.
type symbol struct {
	start, end, prev, next int
}

// pair is a possible merge of two neighbours. A lower rank is merged first; of equal ones the left.
type pair struct {
	rank        float64
	left, right int
	size        int // of both, to tell whether it is stale
}

type pairs []pair

func (p pairs) Len() int { return len(p) }
func (p pairs) Less(i, j int) bool {
	return p[i].rank < p[j].rank || p[i].rank == p[j].rank && p[i].left < p[j].left
}
func (p pairs) Swap(i, j int) { p[i], p[j] = p[j], p[i] }
func (p *pairs) Push(x any)   { *p = append(*p, x.(pair)) }
func (p *pairs) Pop() any {
	old := *p
	x := old[len(old)-1]
	*p = old[:len(old)-1]
	return x
}

// merge joins neighbours in the order of their ranks until none can be joined, and calls emit for what is
// left. rank tells whether left and right may be joined. It takes O(n log n).
func merge(text string, symbols []symbol, rank func(left, right string) (float64, bool), emit func(s string)) {
	var queue pairs
	add := func(l, r int) {
		if l < 0 || r < 0 {
			return
		}
		a, b := symbols[l], symbols[r]
		if v, ok := rank(text[a.start:a.end], text[b.start:b.end]); ok {
			heap.Push(&queue, pair{v, l, r, b.end - a.start})
		}
	}
	for i := range symbols {
		symbols[i].prev, symbols[i].next = i-1, i+1
	}
	if n := len(symbols); n > 0 {
		symbols[n-1].next = -1
	}
	for i := 1; i < len(symbols); i++ {
		add(i-1, i)
	}
	for queue.Len() > 0 {
		p := heap.Pop(&queue).(pair)
		l, r := &symbols[p.left], &symbols[p.right]
		if l.start == l.end || r.start == r.end || r.end-l.start != p.size {
			continue
		}
		l.end = r.end
		r.start = r.end
		l.next = r.next
		if r.next >= 0 {
			symbols[r.next].prev = p.left
		}
		add(l.prev, p.left)
		add(p.left, l.next)
	}
	for i := 0; i >= 0 && i < len(symbols); i = symbols[i].next {
		emit(text[symbols[i].start:symbols[i].end])
	}
}
