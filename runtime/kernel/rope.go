package kernel

import (
	"math"

	"github.com/carat-llm/carat/internal/elementary"
)

// Rope says how positions turn queries and keys.
type Rope struct {
	// Dims is the number of leading elements of a head that are turned, an even number.
	Dims int
	// Base is the base of the frequencies: pair i turns by position * Base^(-2i/Dims).
	Base float64
	// Neox pairs element i with i+Dims/2; otherwise 2i with 2i+1.
	Neox bool
	// Factors divide the frequency of each pair (llama3, longrope); nil means 1.
	Factors []float32
	// LongFactors, when not nil, are the factors of tables of more than Original positions (longrope).
	LongFactors []float32
	Original    int
	// Magnitude multiplies cosine and sine (longrope's and YaRN's attention factor); 0 means 1.
	Magnitude float64
	// Scale multiplies the positions (1/factor for linear scaling); 0 means 1.
	Scale float64
	// Yarn, when not nil, blends scaled and unscaled frequencies by wavelength.
	Yarn *Yarn
}

// Yarn holds the parameters of YaRN (Peng et al. 2023) beside Rope.Scale.
type Yarn struct {
	// OriginalContext is the context length of the training.
	OriginalContext int
	// BetaFast and BetaSlow are the numbers of rotations over the original context between which
	// scaling sets in; 32 and 1 as published.
	BetaFast, BetaSlow float64
	// Fractional leaves the ends of the blend where they are; otherwise they are rounded to whole pairs, away from each other.
	Fractional bool
}

// RopeTable holds the cosines and sines of positions, computed once.
type RopeTable struct {
	dims     int
	neox     bool
	cos, sin []float32 // Dims/2 a position
}

// frequencies returns the angle per position of each pair, the same bits on every platform.
func (r Rope) frequencies() []float64 {
	half := r.Dims / 2
	scale := r.Scale
	if scale == 0 {
		scale = 1
	}
	low, high := 0.0, 0.0
	if r.Yarn != nil {
		// The pair that turns n times over the original context: Dims*ln(context/(2 pi n))/(2 ln Base).
		pair := func(n float64) float64 {
			return float64(r.Dims) * elementary.Log(float64(r.Yarn.OriginalContext)/(n*2*math.Pi)) / (2 * elementary.Log(r.Base))
		}
		low, high = pair(r.Yarn.BetaFast), pair(r.Yarn.BetaSlow)
		if !r.Yarn.Fractional {
			low, high = math.Floor(low), math.Ceil(high)
		}
		low, high = max(0, low), min(float64(r.Dims-1), high)
	}
	freqs := make([]float64, half)
	for i := range freqs {
		f := elementary.Pow(r.Base, -2*float64(i)/float64(r.Dims))
		if r.Factors != nil {
			f /= float64(r.Factors[i])
		}
		mix := 0.0 // the share of the unscaled frequency
		if r.Yarn != nil {
			mix = 1 - min(1, max(0, (float64(i)-low)/max(0.001, high-low)))
		}
		freqs[i] = f * (float64(scale*(1-mix)) + mix)
	}
	return freqs
}

// Bytes is the memory of the table.
func (t *RopeTable) Bytes() int64 { return 4 * int64(len(t.cos)+len(t.sin)) }

// Table computes the table of the positions 0..positions-1.
func (r Rope) Table(positions int) *RopeTable {
	if r.LongFactors != nil && positions > r.Original {
		r.Factors = r.LongFactors
	}
	magnitude := r.Magnitude
	if magnitude == 0 {
		magnitude = 1
	}
	freqs := r.frequencies()
	t := &RopeTable{dims: r.Dims, neox: r.Neox,
		cos: make([]float32, 0, positions*len(freqs)), sin: make([]float32, 0, positions*len(freqs))}
	for pos := range positions {
		for _, f := range freqs {
			sin, cos := elementary.Sincos(float64(pos) * f)
			t.cos = append(t.cos, float32(cos*magnitude))
			t.sin = append(t.sin, float32(sin*magnitude))
		}
	}
	return t
}

// Apply turns one head's vector at position pos in place.
func (t *RopeTable) Apply(x []float32, pos int) {
	half := t.dims / 2
	cos, sin := t.cos[pos*half:][:half], t.sin[pos*half:][:half]
	if t.neox {
		active().turnHalves(x[:half], x[half:t.dims], cos, sin)
	} else {
		active().turnPairs(x[:t.dims], cos, sin)
	}
}

func turnHalvesGeneric(a, b, cos, sin []float32) {
	for i, c := range cos {
		a[i], b[i] = turn(a[i], b[i], c, sin[i])
	}
}

func turnPairsGeneric(x, cos, sin []float32) {
	for i, c := range cos {
		x[2*i], x[2*i+1] = turn(x[2*i], x[2*i+1], c, sin[i])
	}
}

// turn turns one pair.
func turn(a, b, cos, sin float32) (float32, float32) {
	return fma32(a, cos, -float32(b*sin)), fma32(b, cos, float32(a*sin))
}
