package allocate

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Candidate is one way of storing a tensor.
type Candidate struct {
	Bytes int64   // in the file, with padding
	Cost  float64 // not negative
}

// ErrBudget says that even the smallest candidates exceed the budget.
var ErrBudget = errors.New("the budget is too small")

// Choice is what Solve chose.
type Choice struct {
	Of    []int // the number of the candidate, for each class
	Bytes int64
	Cost  float64
	// Bound is below the cost of every choice within the budget: Cost when the choice is known to be the best.
	Bound float64
}

// mostStates bounds the memory of the exact search: 24 bytes a state.
const mostStates = 4 << 20

// Solve chooses a candidate of each class so that the bytes are at most budget and the cost is least. Of choices with equal cost the smaller
// one is taken, so that the result depends on the numbers only.
//
// The Lagrangian relaxation, which charges a price for each byte, gives a lower bound and a first choice; then the classes are
// taken one after the other, keeping the sums of bytes and cost that no other beats in both (Nemhauser and Ullmann, 1969) and that can still beat
// the best choice known, by the bound of what is left. If there are more than some millions of them, the best choice known is
// returned with its bound.
func Solve(classes [][]Candidate, budget int64) (Choice, error) {
	p := problem{budget: budget}
	var least int64
	for _, c := range classes {
		h := undominated(c)
		if len(h) == 0 {
			return Choice{}, fmt.Errorf("%w: a tensor has no candidate", ErrBudget)
		}
		p.classes = append(p.classes, h)
		least += h[0].Bytes
	}
	if least > budget {
		return Choice{}, fmt.Errorf("%w: %d bytes are the least, and %d are given", ErrBudget, least, budget)
	}
	p.relax()
	return p.search(), nil
}

// numbered is a candidate and its number in the class.
type numbered struct {
	Candidate
	i int
}

// undominated are the candidates that no other beats in both bytes and cost, by rising bytes.
func undominated(c []Candidate) (list []numbered) {
	for i, x := range c {
		list = append(list, numbered{x, i})
	}
	return frontier(list)
}

// priced has bytes and a cost.
type priced interface {
	price() (bytes int64, cost float64)
}

func (n numbered) price() (int64, float64) { return n.Bytes, n.Cost }

// frontier sorts the list by bytes and leaves out what costs no less than something smaller.
func frontier[T priced](list []T) []T {
	slices.SortStableFunc(list, func(a, b T) int {
		aBytes, aCost := a.price()
		bBytes, bCost := b.price()
		return cmp.Or(cmp.Compare(aBytes, bBytes), cmp.Compare(aCost, bCost))
	})
	least := math.Inf(1)
	return slices.DeleteFunc(list, func(x T) bool {
		_, cost := x.price()
		if cost >= least {
			return true
		}
		least = cost
		return false
	})
}

type problem struct {
	classes [][]numbered
	budget  int64
	price   float64   // of a byte, by which the bound is largest
	rest    []float64 // of class i and those behind it: the least sum of cost and price
	best    []int     // in classes; the best choice known
	cost    float64   // of it
	bytes   int64
}

// at returns what is best in each class at a price.
func (p *problem) at(price float64) (of []int, bytes int64, cost float64) {
	of = make([]int, len(p.classes))
	for i, c := range p.classes {
		for j := range c {
			if c[j].Cost+price*float64(c[j].Bytes) < c[of[i]].Cost+price*float64(c[of[i]].Bytes) {
				of[i] = j
			}
		}
		bytes, cost = bytes+c[of[i]].Bytes, cost+c[of[i]].Cost
	}
	return of, bytes, cost
}

// relax finds the price at which the choice just fits, and spends what is left of the budget where it gains most.
func (p *problem) relax() {
	low, high := 0.0, 1e-30
	if of, bytes, cost := p.at(0); bytes <= p.budget {
		p.best, p.bytes, p.cost = of, bytes, cost
	} else {
		for {
			if _, bytes, _ := p.at(high); bytes <= p.budget || math.IsInf(high, 1) {
				break
			}
			high *= 2
		}
		for range 100 {
			middle := (low + high) / 2
			if _, bytes, _ := p.at(middle); bytes > p.budget {
				low = middle
			} else {
				high = middle
			}
		}
		p.price = high
		if p.best, p.bytes, p.cost = p.at(high); p.bytes > p.budget { // no finite price is high enough
			p.best, p.bytes, p.cost = make([]int, len(p.classes)), 0, 0
			for _, c := range p.classes {
				p.bytes, p.cost = p.bytes+c[0].Bytes, p.cost+c[0].Cost
			}
		}
	}
	p.fill()
	p.rest = make([]float64, len(p.classes)+1)
	for i := len(p.classes) - 1; i >= 0; i-- {
		least := math.Inf(1)
		for _, x := range p.classes[i] {
			least = min(least, x.Cost+p.price*float64(x.Bytes))
		}
		p.rest[i] = p.rest[i+1] + least
	}
}

// fill makes single exchanges, the one that lowers the cost most for its bytes first, while there is room.
func (p *problem) fill() {
	for {
		class, to, gain := -1, 0, 0.0
		for i, c := range p.classes {
			now := c[p.best[i]]
			for j := p.best[i] + 1; j < len(c); j++ {
				bytes := c[j].Bytes - now.Bytes
				if p.bytes+bytes > p.budget {
					break
				}
				if g := (now.Cost - c[j].Cost) / float64(bytes); g > gain {
					class, to, gain = i, j, g
				}
			}
		}
		if class < 0 {
			return
		}
		now, then := p.classes[class][p.best[class]], p.classes[class][to]
		p.best[class] = to
		p.bytes, p.cost = p.bytes+then.Bytes-now.Bytes, p.cost+then.Cost-now.Cost
	}
}

// state is a choice in the classes so far.
type state struct {
	bytes int64
	cost  float64
	from  int32 // the state before, in the classes before this one
	took  int32 // the candidate of this class
}

func (s state) price() (int64, float64) { return s.bytes, s.cost }

// search improves the best choice known until no other can be better.
func (p *problem) search() Choice {
	levels := make([][]state, 0, len(p.classes)+1)
	levels = append(levels, []state{{}})
	total := 1
	for i, c := range p.classes {
		var next []state
		for from, s := range levels[i] {
			for j, x := range c {
				bytes, cost := s.bytes+x.Bytes, s.cost+x.Cost
				if bytes > p.budget || !p.promising(i+1, bytes, cost) {
					continue
				}
				next = append(next, state{bytes, cost, int32(from), int32(j)})
			}
		}
		next = frontier(next)
		if total += len(next); total > mostStates {
			return p.choice(p.rest[0] - p.price*float64(p.budget))
		}
		levels = append(levels, next)
	}
	last := levels[len(p.classes)]
	for at, s := range last {
		if s.cost < p.cost || s.cost == p.cost && s.bytes < p.bytes {
			p.cost, p.bytes = s.cost, s.bytes
			for i, at := len(p.classes), int32(at); i > 0; i-- {
				p.best[i-1], at = int(levels[i][at].took), levels[i][at].from
			}
		}
	}
	return p.choice(p.cost)
}

// promising says whether a choice of the classes before i may become the best, by the bound of what is left.
func (p *problem) promising(i int, bytes int64, cost float64) bool {
	bound := cost + p.rest[i] - p.price*float64(p.budget-bytes)
	return bound <= p.cost*(1+1e-12)
}

// choice is the best choice known, in the numbers of the caller.
func (p *problem) choice(bound float64) Choice {
	c := Choice{Bytes: p.bytes, Cost: p.cost, Bound: min(bound, p.cost)}
	for i, j := range p.best {
		c.Of = append(c.Of, p.classes[i][j].i)
	}
	return c
}
