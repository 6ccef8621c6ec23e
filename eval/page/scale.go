package page

import (
	"math"
	"strings"
)

// scale maps values to positions of a picture, linearly or by logarithm.
type scale struct {
	low, high float64 // values
	from, to  float64 // positions
	log       bool
}

func (s scale) at(v float64) float64 {
	low, high := s.low, s.high
	if s.log {
		low, high, v = math.Log(low), math.Log(high), math.Log(math.Max(v, s.low))
	}
	if high <= low {
		return tenth((s.from + s.to) / 2)
	}
	f := min(1, max(0, (v-low)/(high-low)))
	return tenth(s.from + f*(s.to-s.from))
}

func tenth(v float64) float64 { return math.Round(v*10) / 10 }

// tick is a mark of an axis.
type tick struct {
	At    float64
	Label string
}

// ticks are round values of the scale, about n of them.
func (s scale) ticks(n int, label func(float64) string) []tick {
	var out []tick
	add := func(v float64) {
		if v >= s.low*(1-1e-9) && v <= s.high*(1+1e-9) {
			out = append(out, tick{s.at(v), label(v)})
		}
	}
	if s.log && s.high/s.low > 4 {
		decades := math.Log10(s.high / s.low)
		factors := []float64{1, 2, 5}
		switch {
		case decades > 2*float64(n):
			factors = nil // whole decades, some left out
			step := math.Ceil(decades / float64(n))
			for e := math.Ceil(math.Log10(s.low)); e <= math.Log10(s.high); e += step {
				add(math.Pow(10, e))
			}
		case 3*decades > 1.5*float64(n):
			factors = []float64{1}
		}
		for e := math.Floor(math.Log10(s.low)); e <= math.Log10(s.high); e++ {
			for _, f := range factors {
				add(f * math.Pow(10, e))
			}
		}
		return out
	}
	step := niceStep((s.high - s.low) / float64(n))
	if step <= 0 {
		return nil
	}
	for i := math.Ceil(s.low/step - 1e-9); i*step <= s.high*(1+1e-9) && len(out) < 4*n; i++ {
		add(i*step + 0) // not -0
	}
	return out
}

// niceStep is the next of 1, 2, 5 times a power of ten.
func niceStep(v float64) float64 {
	if !(v > 0) || math.IsInf(v, 0) {
		return 0
	}
	p := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 2, 5} {
		if v <= f*p {
			return f * p
		}
	}
	return 10 * p
}

// polyline writes points as SVG wants them.
type polyline struct{ strings.Builder }

func (p *polyline) add(x, y float64) {
	if p.Len() > 0 {
		p.WriteByte(' ')
	}
	p.WriteString(decimal(x) + "," + decimal(y))
}
