package allocate

import (
	"errors"
	"fmt"
	"math"
)

// Candidate is one way of storing a tensor.
type Candidate struct {
	Bytes int64   // in the file, with padding
	Cost  float64 // not negative
	Time  float64 // seconds that a token takes for it; 0 where speed does not matter
}

var (
	// ErrBudget says that even the smallest candidates exceed the budget.
	ErrBudget = errors.New("the budget is too small")
	// ErrCost says that even the candidates of least cost exceed the limit.
	ErrCost = errors.New("the limit of costs is too low")
	// ErrTime says that no choice within the other limit is fast enough.
	ErrTime = errors.New("no choice is fast enough")
)

// Choice is what was chosen.
type Choice struct {
	Of    []int // the number of the candidate, for each class
	Bytes int64
	Cost  float64
	Time  float64
	// Bound is what no choice within the limits can be below, in that which was to be least, cost or bytes: that of this choice if it
	// is known to be the best.
	Bound float64
}

// Limits are what a choice must keep. With Bytes the cost is to be least, and without them, which is with Cost alone, the bytes.
type Limits struct {
	Bytes int64
	Cost  float64
	Time  float64 // 0 is no limit
}

// Solve chooses a candidate of each class so that the bytes are at most budget and the cost is least. Of choices with equal cost the
// smaller one is taken, so that the result depends on the numbers only.
func Solve(classes [][]Candidate, budget int64) (Choice, error) {
	if budget <= 0 {
		return Choice{}, fmt.Errorf("%w: %d bytes", ErrBudget, budget)
	}
	return Limits{Bytes: budget}.Solve(classes)
}

// Solve is the best choice within the limits, exact with one of them (see knapsack). A limit of time is priced: the price of a second
// is raised until the exact choice with it is fast enough, which leaves the gap to Bound that it says.
func (l Limits) Solve(classes [][]Candidate) (Choice, error) {
	if err := l.possible(classes); err != nil {
		return Choice{}, err
	}
	best := l.solve(classes, 4<<20, func(_ Candidate, value float64) float64 { return value })
	if l.Time <= 0 || best.Time <= l.Time {
		return best, nil
	}
	bound, scale := best.Bound, l.value(best)/best.Time
	best = l.fastest(classes)
	if best.Time > l.Time {
		return Choice{}, fmt.Errorf("%w: the fastest takes %.3g ms for a token, at most %.3g are given", ErrTime, 1e3*best.Time, 1e3*l.Time)
	}
	low, high := 0.0, max(1e-3*scale, math.SmallestNonzeroFloat32)
	for tries := 0; tries < 16 && l.value(best)-bound > 1e-3*l.value(best); {
		price := high
		if low > 0 {
			price = math.Sqrt(low * high)
			tries++
		}
		c := l.at(classes, price)
		bound = max(bound, c.Bound-price*l.Time)
		switch {
		case c.Time > l.Time && low == 0 && !math.IsInf(2*high, 1):
			high *= 4 // not yet high enough
		case c.Time > l.Time:
			low = price
		default:
			if l.value(c) <= l.value(best) {
				best = c
			}
			if low == 0 {
				low = high / 4
			}
			high = price
		}
	}
	best.Bound = min(bound, l.value(best))
	return best, nil
}

// value is what is to be least.
func (l Limits) value(c Choice) float64 {
	if l.Bytes > 0 {
		return c.Cost
	}
	return float64(c.Bytes)
}

// possible says whether there is a choice within the limits, but for time.
func (l Limits) possible(classes [][]Candidate) error {
	var bytes int64
	var cost float64
	for _, c := range classes {
		if len(c) == 0 {
			return fmt.Errorf("%w: a tensor has no candidate", ErrBudget)
		}
		least := c[0]
		for _, x := range c {
			least.Bytes, least.Cost = min(least.Bytes, x.Bytes), min(least.Cost, x.Cost)
		}
		bytes, cost = bytes+least.Bytes, cost+least.Cost
	}
	switch {
	case l.Bytes > 0 && bytes > l.Bytes:
		return fmt.Errorf("%w: %d bytes are the least, and %d are given", ErrBudget, bytes, l.Bytes)
	case l.Bytes <= 0 && cost > l.Cost:
		return fmt.Errorf("%w: %.3g is the least, and %.3g is allowed", ErrCost, cost, l.Cost)
	}
	return nil
}

// at is the best choice that is soon found within the first limit when a second costs price.
func (l Limits) at(classes [][]Candidate, price float64) Choice {
	return l.solve(classes, 1<<18, func(x Candidate, value float64) float64 { return value + price*x.Time })
}

// fastest is the fastest choice within the first limit.
func (l Limits) fastest(classes [][]Candidate) Choice {
	return l.solve(classes, 1<<18, func(x Candidate, _ float64) float64 { return x.Time })
}

// solve finds the choice within the first limit that is least in what of makes of candidates and their values.
func (l Limits) solve(classes [][]Candidate, states int, of func(x Candidate, value float64) float64) Choice {
	p := knapsack{capacity: float64(l.Bytes), states: states}
	if l.Bytes <= 0 {
		p.capacity = l.Cost
	}
	for _, c := range classes {
		list := make([]item, len(c))
		for i, x := range c {
			list[i] = item{float64(x.Bytes), of(x, x.Cost), i}
			if l.Bytes <= 0 {
				list[i] = item{x.Cost, of(x, float64(x.Bytes)), i}
			}
		}
		p.classes = append(p.classes, frontier(list))
	}
	var c Choice
	c.Of, c.Bound = p.solve()
	for i, j := range c.Of {
		x := classes[i][j]
		c.Bytes, c.Cost, c.Time = c.Bytes+x.Bytes, c.Cost+x.Cost, c.Time+x.Time
	}
	return c
}
