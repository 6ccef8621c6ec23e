package allocate

import (
	"cmp"
	"math"
	"slices"
)

// item is one of a class of the multiple-choice knapsack problem: one of each class is taken so that the weights are at most
// the capacity and the value, which is bad, is least.
type item struct {
	weight, value float64 // not negative; whole numbers are exact up to 2^53
	i             int     // number in the class
}

func (x item) price() (float64, float64) { return x.weight, x.value }

// priced has a weight and a value.
type priced interface {
	price() (weight, value float64)
}

// frontier sorts the list by weight and leaves out what is of no less value than something lighter.
func frontier[T priced](list []T) []T {
	slices.SortStableFunc(list, func(a, b T) int {
		aWeight, aValue := a.price()
		bWeight, bValue := b.price()
		return cmp.Or(cmp.Compare(aWeight, bWeight), cmp.Compare(aValue, bValue))
	})
	least := math.Inf(1)
	return slices.DeleteFunc(list, func(x T) bool {
		_, value := x.price()
		if value >= least {
			return true
		}
		least = value
		return false
	})
}

// knapsack is the problem and the best choice that is known.
//
// The Lagrangian relaxation, which charges a price for each unit of weight, gives a lower bound and a first choice; then the classes
// are taken one after the other, keeping the sums of weight and value that no other beats in both (Nemhauser and Ullmann, 1969) and that can
// still beat the best choice known, by the bound of what is left. If there are more than states of them, the best choice known
// is the answer, with its bound.
type knapsack struct {
	classes  [][]item // each a frontier
	capacity float64
	states   int       // the most that the exact search keeps: 24 bytes each
	price    float64   // of a unit of weight, by which the bound is largest
	rest     []float64 // of class i and those behind it: the least sum of value and price
	best     []int     // in classes
	weight   float64   // of best
	value    float64
}

// solve returns the choice in each class, in the numbers of the items, and what no value can be below. There must be a choice
// that fits.
func (p *knapsack) solve() (of []int, bound float64) {
	p.relax()
	bound = p.search()
	for i, j := range p.best {
		of = append(of, p.classes[i][j].i)
	}
	return of, min(bound, p.value)
}

// at returns what is best in each class at a price.
func (p *knapsack) at(price float64) (of []int, weight, value float64) {
	of = make([]int, len(p.classes))
	for i, c := range p.classes {
		for j := range c {
			if c[j].value+price*c[j].weight < c[of[i]].value+price*c[of[i]].weight {
				of[i] = j
			}
		}
		weight, value = weight+c[of[i]].weight, value+c[of[i]].value
	}
	return of, weight, value
}

// relax finds the price at which the choice just fits, and spends what is left of the capacity where it gains most.
func (p *knapsack) relax() {
	low, high := 0.0, 1e-30
	if of, weight, value := p.at(0); weight <= p.capacity {
		p.best, p.weight, p.value = of, weight, value
	} else {
		for {
			if _, weight, _ := p.at(high); weight <= p.capacity || math.IsInf(high, 1) {
				break
			}
			high *= 2
		}
		for range 100 {
			middle := (low + high) / 2
			if _, weight, _ := p.at(middle); weight > p.capacity {
				low = middle
			} else {
				high = middle
			}
		}
		p.price = high
		if p.best, p.weight, p.value = p.at(high); p.weight > p.capacity { // no finite price is high enough
			p.price = 0
			p.best, p.weight, p.value = make([]int, len(p.classes)), 0, 0
			for _, c := range p.classes {
				p.weight, p.value = p.weight+c[0].weight, p.value+c[0].value
			}
		}
	}
	p.fill()
	p.rest = make([]float64, len(p.classes)+1)
	for i := len(p.classes) - 1; i >= 0; i-- {
		least := math.Inf(1)
		for _, x := range p.classes[i] {
			least = min(least, x.value+p.price*x.weight)
		}
		p.rest[i] = p.rest[i+1] + least
	}
}

// fill makes single exchanges, the one that lowers the value most for its weight first, while there is room.
func (p *knapsack) fill() {
	room := p.capacity * (1 - 1e-12) // sums here are rounded in another order than those of the search
	for {
		class, to, gain := -1, 0, 0.0
		for i, c := range p.classes {
			now := c[p.best[i]]
			for j := p.best[i] + 1; j < len(c); j++ {
				weight := c[j].weight - now.weight
				if p.weight+weight > room {
					break
				}
				if g := (now.value - c[j].value) / weight; g > gain {
					class, to, gain = i, j, g
				}
			}
		}
		if class < 0 {
			return
		}
		p.best[class] = to
		p.weight, p.value = 0, 0
		for i, j := range p.best {
			p.weight, p.value = p.weight+p.classes[i][j].weight, p.value+p.classes[i][j].value
		}
	}
}

// state is a choice in the classes so far.
type state struct {
	weight, value float64
	from          int32 // the state before, in the classes before this one
	took          int32 // the item of this class
}

func (s state) price() (float64, float64) { return s.weight, s.value }

// search improves the best choice known until no other can be better, and returns what no value can be below.
func (p *knapsack) search() (bound float64) {
	levels := make([][]state, 0, len(p.classes)+1)
	levels = append(levels, []state{{}})
	total := 1
	for i, c := range p.classes {
		var next []state
		for from, s := range levels[i] {
			for j, x := range c {
				weight, value := s.weight+x.weight, s.value+x.value
				if weight > p.capacity || !p.promising(i+1, weight, value) {
					continue
				}
				next = append(next, state{weight, value, int32(from), int32(j)})
			}
		}
		next = frontier(next)
		if total += len(next); total > p.states {
			return p.rest[0] - p.price*p.capacity
		}
		levels = append(levels, next)
	}
	for at, s := range levels[len(p.classes)] {
		if s.value < p.value || s.value == p.value && s.weight < p.weight {
			p.value, p.weight = s.value, s.weight
			for i, at := len(p.classes), int32(at); i > 0; i-- {
				p.best[i-1], at = int(levels[i][at].took), levels[i][at].from
			}
		}
	}
	return p.value
}

// promising says whether a choice of the classes before i may become the best, by the bound of what is left.
func (p *knapsack) promising(i int, weight, value float64) bool {
	return value+p.rest[i]-p.price*(p.capacity-weight) <= p.value*(1+1e-12)
}
