package figure

import (
	"errors"
	"fmt"
	"math"

	"github.com/carat-llm/carat/eval/stats"
)

// ErrNoFigure says that a series has no such figure.
var ErrNoFigure = errors.New("unknown figure")

// Limits is a figure of the series, of one slice or of All, with its confidence limits over chunks.
func (s *Series) Limits(name string, slice int) (stats.Limits, error) {
	f, c, err := s.find(name, slice)
	if err != nil {
		return nil, err
	}
	return f.limits(c), nil
}

// Widened is Limits whose upper ones allow for what a reference that was stored in part may hide.
func (s *Series) Widened(name string, slice int) (stats.Limits, error) {
	f, c, err := s.find(name, slice)
	if err != nil {
		return nil, err
	}
	l := f.limits(c)
	if f.bound == nil {
		return l, nil
	}
	if by := f.bound(c); by > 0 {
		return widened{l, by}, nil
	}
	return l, nil
}

func (s *Series) find(name string, slice int) (*Figure, []ChunkStats, error) {
	f := Named(name)
	if f == nil || f.limits == nil {
		return nil, nil, fmt.Errorf("%w %q", ErrNoFigure, name)
	}
	if f.Paired && !s.Paired {
		return nil, nil, fmt.Errorf("%w: %s needs a reference model", ErrNoFigure, name)
	}
	c := s.of(slice)
	if len(c) == 0 {
		return nil, nil, fmt.Errorf("%w: %s: slice %d has no chunks", ErrNoFigure, name, slice)
	}
	return f, c, nil
}

// widened limits are higher by what the figure may be more.
type widened struct {
	stats.Limits
	by float64
}

func (w widened) Upper(alpha float64) float64  { return w.Limits.Upper(alpha) + w.by }
func (w widened) PBelow(bound float64) float64 { return w.Limits.PBelow(bound - w.by) }

// kldBound is how much higher the mean divergence may be.
func kldBound(c []ChunkStats) float64 {
	var bound, tokens float64
	for i := range c {
		bound += c[i].KLDBound
		tokens += float64(c[i].Tokens)
	}
	return bound / tokens
}

// kldSkewness is the least skewness that the mean divergences of chunks are taken to have. It is that of chunks of 255
// tokens whose divergences are lognormal with a coefficient of variation of 2.9, as measured on real models, and 1.5
// times the error of independent tokens. The sample's own skewness is far too low in small samples: without this
// floor the upper limit over 16 chunks is too low 1.3 times as often as stated, and 2.7 times at 99.7 %.
const kldSkewness = 1.25

func meanKLD(c []ChunkStats) stats.Student {
	return stats.Ratio(perToken(c, kld)).SkewedAtLeast(kldSkewness)
}

func bitsPerByte(c []ChunkStats) stats.Limits {
	return stats.Scaled(stats.Ratio(perByte(c, nll)), 1/math.Ln2, 0)
}

func maxKLD(c []ChunkStats) float64 {
	m := 0.0
	for _, x := range c {
		for _, v := range x.KLDs {
			m = math.Max(m, float64(v))
		}
	}
	return m
}

// Sums of a chunk, of which figures are ratios.

func nll(c *ChunkStats) float64     { return c.NLL }
func nllMore(c *ChunkStats) float64 { return c.NLL - c.RefNLL }
func kld(c *ChunkStats) float64     { return c.KLD }
func sameTop(c *ChunkStats) float64 { return float64(c.SameTop) }
func topFive(c *ChunkStats) float64 { return float64(c.Top5) / 5 }
func deltaP(c *ChunkStats) float64  { return c.DeltaP }
func deltaP2(c *ChunkStats) float64 { return c.DeltaP2 }

func perToken(c []ChunkStats, sum func(*ChunkStats) float64) []stats.Cluster {
	return clustersOf(c, sum, func(c *ChunkStats) float64 { return float64(c.Tokens) })
}

func perByte(c []ChunkStats, sum func(*ChunkStats) float64) []stats.Cluster {
	return clustersOf(c, sum, func(c *ChunkStats) float64 { return float64(c.Bytes) })
}

func clustersOf(c []ChunkStats, sum, weight func(*ChunkStats) float64) []stats.Cluster {
	out := make([]stats.Cluster, len(c))
	for i := range c {
		out[i] = stats.Cluster{Sum: sum(&c[i]), Weight: weight(&c[i])}
	}
	return out
}
