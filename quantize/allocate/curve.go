package allocate

import (
	"cmp"
	"math"
	"slices"

	"github.com/carat-llm/carat/gguf"
)

// Point is a choice in a picture of size and cost.
type Point struct {
	Bytes int64
	Cost  float64
}

// Frontier lists the choices that are best at some price of a byte, from the smallest to that of least cost. No choice is below the
// lines from one to the next, and the best one for a budget between two of them is near.
func Frontier(classes [][]Candidate) []Point {
	type step struct {
		bytes int64
		cost  float64
	}
	var start Point
	var steps []step
	for _, c := range classes {
		points := make([]Point, len(c))
		for i, x := range c {
			points[i] = Point{x.Bytes, x.Cost}
		}
		points = convex(points)
		if len(points) == 0 {
			return nil
		}
		start.Bytes, start.Cost = start.Bytes+points[0].Bytes, start.Cost+points[0].Cost
		for i, x := range points[1:] {
			steps = append(steps, step{x.Bytes - points[i].Bytes, x.Cost - points[i].Cost})
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.cost/float64(a.bytes), b.cost/float64(b.bytes)) })
	list := []Point{start}
	for _, s := range steps {
		start.Bytes, start.Cost = start.Bytes+s.bytes, max(0, start.Cost+s.cost)
		list = append(list, start)
	}
	return list
}

func (p Point) price() (float64, float64) { return float64(p.Bytes), p.Cost }

// convex are the points that no line between two others is below, by rising bytes and falling cost.
func convex(points []Point) (list []Point) {
	for _, p := range frontier(points) {
		for n := len(list); n > 1; n = len(list) {
			a, b := list[n-2], list[n-1]
			if (b.Cost-a.Cost)*float64(p.Bytes-b.Bytes) < (p.Cost-b.Cost)*float64(b.Bytes-a.Bytes) {
				break
			}
			list = list[:n-1]
		}
		list = append(list, p)
	}
	return list
}

// Of is the choice that typeOf makes for each tensor, if all of them are candidates.
func Of(tensors []Tensor, typeOf func(Tensor) gguf.Type) (p Point, ok bool) {
	for _, t := range tensors {
		typ := typeOf(t)
		k := slices.Index(t.Types, typ)
		if k < 0 {
			return p, false
		}
		p.Bytes, p.Cost = p.Bytes+Padded(t.TensorInfo, typ), p.Cost+t.Sensitivity*t.Losses[k]
	}
	return p, true
}

// BytesFor is the size at which the curve through other choices, such as presets, reaches a cost: straight lines between the best of them, in
// the logarithm of the cost. It is not known for costs beyond those of the curve.
func BytesFor(list []Point, cost float64) (bytes float64, ok bool) {
	var points []Point
	for _, p := range list {
		if p.Cost > 0 {
			points = append(points, Point{p.Bytes, math.Log(p.Cost)})
		}
	}
	points = convex(points)
	y := math.Log(cost)
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		if y <= a.Cost && y >= b.Cost {
			return float64(a.Bytes) + (a.Cost-y)/(a.Cost-b.Cost)*float64(b.Bytes-a.Bytes), true
		}
	}
	return 0, false
}
