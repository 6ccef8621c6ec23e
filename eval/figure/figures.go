package figure

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/carat-llm/carat/eval/stats"
)

// figure is one number that a series gives: its name, whether it needs a reference, and its confidence limits.
type figure struct {
	name   string
	paired bool
	limits func(c []ChunkStats) stats.Limits
}

// figures lists them, by the names that gates and reports use.
var figures = []figure{
	{"ppl", false, func(c []ChunkStats) stats.Limits { return stats.Exp(stats.Ratio(perToken(c, nll))) }},
	{"bits_per_byte", false, func(c []ChunkStats) stats.Limits {
		return stats.Scaled(stats.Ratio(perByte(c, nll)), 1/math.Ln2, 0)
	}},
	{"ppl.ratio", true, func(c []ChunkStats) stats.Limits {
		return stats.Exp(stats.Ratio(perToken(c, func(c *ChunkStats) float64 { return c.NLL - c.RefNLL })))
	}},
	{"kld.mean", true, func(c []ChunkStats) stats.Limits { return meanKLD(c) }},
	{"kld.p50", true, percentileOf("kld.p50")},
	{"kld.p90", true, percentileOf("kld.p90")},
	{"kld.p95", true, percentileOf("kld.p95")},
	{"kld.p99", true, percentileOf("kld.p99")},
	{"kld.p99.9", true, percentileOf("kld.p99.9")},
	// The largest divergence seen: of the text's, not of what could be.
	{"kld.max", true, func(c []ChunkStats) stats.Limits { return stats.Exact(maxKLD(c)) }},
	{"same_top", true, func(c []ChunkStats) stats.Limits {
		return stats.Share(perToken(c, func(c *ChunkStats) float64 { return float64(c.SameTop) }))
	}},
	{"top5", true, func(c []ChunkStats) stats.Limits {
		return stats.Ratio(perToken(c, func(c *ChunkStats) float64 { return float64(c.Top5) / 5 }))
	}},
	{"delta_p.mean", true, func(c []ChunkStats) stats.Limits {
		return stats.Ratio(perToken(c, func(c *ChunkStats) float64 { return c.DeltaP }))
	}},
	{"delta_p.rms", true, func(c []ChunkStats) stats.Limits {
		return stats.Sqrt(stats.Ratio(perToken(c, func(c *ChunkStats) float64 { return c.DeltaP2 })))
	}},
}

// ErrNoFigure says that a series has no such figure.
var ErrNoFigure = errors.New("unknown figure")

// FigureNames lists what Limits knows.
func FigureNames() []string {
	out := make([]string, len(figures))
	for i, f := range figures {
		out[i] = f.name
	}
	return out
}

func find(name string) (figure, error) {
	i := slices.IndexFunc(figures, func(f figure) bool { return f.name == name })
	if i < 0 {
		return figure{}, fmt.Errorf("%w %q; figures: %v", ErrNoFigure, name, FigureNames())
	}
	return figures[i], nil
}

// Limits is a figure of the series, of one slice or of All, with its confidence limits over chunks.
func (s *Series) Limits(name string, slice int) (stats.Limits, error) {
	f, err := find(name)
	if err != nil {
		return nil, err
	}
	if f.paired && !s.Paired {
		return nil, fmt.Errorf("%w: %s needs a reference model", ErrNoFigure, name)
	}
	c := s.of(slice)
	if len(c) == 0 {
		return nil, fmt.Errorf("%w: %s: slice %d has no chunks", ErrNoFigure, name, slice)
	}
	return f.limits(c), nil
}

// kldSkewness is the least skewness that the mean divergences of chunks are taken to have. It is that of chunks of 255
// tokens whose divergences are lognormal with a coefficient of variation of 2.9, as measured on real models, and 1.5
// times the error of independent tokens. The sample's own skewness is far too low in small samples: without this
// floor the upper limit over 16 chunks is too low 1.3 times as often as stated, and 2.7 times at 99.7 %.
const kldSkewness = 1.25

func meanKLD(c []ChunkStats) stats.Student {
	return stats.Ratio(perToken(c, kld)).SkewedAtLeast(kldSkewness)
}

func nll(c *ChunkStats) float64 { return c.NLL }
func kld(c *ChunkStats) float64 { return c.KLD }

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

func maxKLD(c []ChunkStats) float64 {
	m := 0.0
	for _, x := range c {
		for _, v := range x.KLDs {
			m = math.Max(m, float64(v))
		}
	}
	return m
}
