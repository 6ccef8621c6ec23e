package tokenizer

import "math"

// symbol is a piece of a text under way to become a token: text[start:end] with a number for it, linked to its
// neighbours. end == start marks one that was merged away.
type symbol struct {
	id                     int32
	start, end, prev, next int
}

// ranker tells whether two neighbours may be joined, how early (a lower rank goes first) and the number of what they
// make.
type ranker func(l, r *symbol) (rank float64, id int32, ok bool)

// few is up to how many symbols looking at all pairs is faster than keeping them in order.
const few = 48

// merge joins neighbours in the order of their ranks, of equal ones the left first, until none can be joined, and calls
// emit for what is left. It takes O(n log n).
func merge(symbols []symbol, rank ranker, emit func(s *symbol)) {
	if len(symbols) <= few {
		mergeFew(symbols, rank, emit)
		return
	}
	var queue pairs
	add := func(l, r int) {
		if l < 0 || r < 0 {
			return
		}
		if v, id, ok := rank(&symbols[l], &symbols[r]); ok {
			queue.push(pair{v, l, r, symbols[r].end - symbols[l].start, id})
		}
	}
	for i := range symbols {
		symbols[i].prev, symbols[i].next = i-1, i+1
	}
	symbols[len(symbols)-1].next = -1
	for i := 1; i < len(symbols); i++ {
		add(i-1, i)
	}
	for len(queue) > 0 {
		p := queue.pop()
		l, r := &symbols[p.left], &symbols[p.right]
		if l.start == l.end || r.start == r.end || r.end-l.start != p.size {
			continue
		}
		l.id, l.end = p.id, r.end
		r.start = r.end
		l.next = r.next
		if r.next >= 0 {
			symbols[r.next].prev = p.left
		}
		add(l.prev, p.left)
		add(p.left, l.next)
	}
	for i := 0; i >= 0; i = symbols[i].next {
		emit(&symbols[i])
	}
}

// mergeFew does the same for at most few symbols.
func mergeFew(symbols []symbol, rank ranker, emit func(s *symbol)) {
	var ranks [few]float64 // of each symbol and the one behind it
	var ids [few]int32
	look := func(i int) {
		ranks[i] = math.Inf(1)
		if i+1 < len(symbols) {
			if v, id, ok := rank(&symbols[i], &symbols[i+1]); ok {
				ranks[i], ids[i] = v, id
			}
		}
	}
	for i := range symbols {
		look(i)
	}
	for {
		first := 0
		for i := 1; i < len(symbols); i++ {
			if ranks[i] < ranks[first] {
				first = i
			}
		}
		if len(symbols) == 0 || math.IsInf(ranks[first], 1) {
			break
		}
		symbols[first].id, symbols[first].end = ids[first], symbols[first+1].end
		n := len(symbols)
		copy(symbols[first+1:], symbols[first+2:])
		copy(ranks[first+1:n], ranks[first+2:n])
		copy(ids[first+1:n], ids[first+2:n])
		symbols = symbols[:n-1]
		look(first)
		if first > 0 {
			look(first - 1)
		}
	}
	for i := range symbols {
		emit(&symbols[i])
	}
}

// pair is a possible merge of two neighbours. A lower rank is merged first; of equal ones the left.
type pair struct {
	rank        float64
	left, right int
	size        int // of both, to tell whether it is stale
	id          int32
}

func (p *pair) before(q *pair) bool { return p.rank < q.rank || p.rank == q.rank && p.left < q.left }

// pairs is a heap (container/heap would allocate every one of them).
type pairs []pair

func (q *pairs) push(p pair) {
	*q = append(*q, p)
	h := *q
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h[i].before(&h[up]) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

func (q *pairs) pop() pair {
	h := *q
	top := h[0]
	h[0] = h[len(h)-1]
	h = h[:len(h)-1]
	*q = h
	for i := 0; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(h); c++ {
			if h[c].before(&h[least]) {
				least = c
			}
		}
		if least == i {
			return top
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
