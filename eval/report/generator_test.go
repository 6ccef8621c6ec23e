package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/stats"
	"github.com/carat-llm/carat/eval/task"
)

// generator draws numbers from a fixed sequence. base are the texts: what the reference says of every token.
type generator struct {
	*rand.Rand
	base []reference
}

type reference struct {
	slice int
	nll   []float64
	hard  []float64 // how far models are from each other there
}

func (g *generator) texts(chunks, tokens, perSlice int) {
	for i := range chunks {
		c := reference{slice: i / perSlice}
		level := 0.25 * g.NormFloat64()
		for range tokens {
			c.nll = append(c.nll, (0.8+0.5*float64(c.slice)+math.Abs(level))*g.ExpFloat64()*1.6)
			c.hard = append(c.hard, math.Exp(1.3*g.NormFloat64()+level-1)*(1+0.35*float64(c.slice)))
		}
		g.base = append(g.base, c)
	}
}

// measure fills in what a candidate of mean divergence kld does over the texts.
func (g *generator) measure(c *Candidate, kld float64, names []string) {
	s := figure.Series{Paired: true}
	for _, b := range g.base {
		k := figure.ChunkStats{Slice: b.slice, Tokens: len(b.nll), Bytes: 4 * len(b.nll)}
		for i, ref := range b.nll {
			d := float64(float32(kld * b.hard[i] * math.Exp(0.3*g.NormFloat64()) * 0.85))
			nll := math.Max(1e-3, ref+d/2+0.5*math.Sqrt(d)*g.NormFloat64())
			k.NLL += nll
			k.NLL2 += nll * nll
			k.RefNLL += ref
			k.RefNLL2 += ref * ref
			k.Cross += nll * ref
			k.KLD += d
			k.KLD2 += d * d
			k.KLDs = append(k.KLDs, float32(d))
			if g.Float64() > 0.35*math.Sqrt(d) {
				k.SameTop++
			}
			k.Top5 += 5
			if g.Float64() < 2*math.Sqrt(d) {
				k.Top5--
			}
			p := math.Exp(-nll) - math.Exp(-ref)
			k.DeltaP += p
			k.DeltaP2 += p * p
			k.DeltaP4 += p * p * p * p
		}
		s.Chunks = append(s.Chunks, k)
	}
	c.Chunks, c.Metrics = s.Chunks, s.Metrics(figure.All)
	worst := 0.0
	if len(names) < 2 {
		return
	}
	for i, name := range names {
		m := s.Metrics(i)
		c.Slices = append(c.Slices, Slice{name, m})
		if m.Divergence.Mean > worst {
			worst, c.WorstSlice = m.Divergence.Mean, name
		}
	}
}

func (g *generator) latency(speed float64, bytes int64) *bench.Result {
	samples := func(v float64) (s []float64) {
		for range 5 {
			s = append(s, round(v*(1+0.02*g.NormFloat64())))
		}
		return s
	}
	spread := func(s []float64) bench.Spread {
		return bench.Spread{Median: s[2], Min: min(s[0], s[1], s[2], s[3], s[4]), Max: max(s[0], s[1], s[2], s[3], s[4])}
	}
	q := func(t float64) *bench.Quantiles {
		return &bench.Quantiles{P50: round(t), P95: round(t * 1.08), P99: round(t * 1.31), Max: round(t * 1.9)}
	}
	pp, tg, deep := samples(speed*4), samples(speed), samples(speed*0.8)
	return &bench.Result{Threads: 2, CPU: "a CPU with AVX2", WeightBytes: bytes, Load: &bench.Load{Cold: 0.41, Warm: 0.08},
		Tests: []bench.Test{
			{Name: "pp512", Tokens: 512, TokensPerSecond: spread(pp), FirstToken: q(512 / speed / 4), Samples: pp},
			{Name: "tg128", Tokens: 128, TokensPerSecond: spread(tg), BytesPerSecond: round(tg[2] * float64(bytes)), InterToken: q(1 / speed), Samples: tg},
			{Name: "tg128@d1024", Tokens: 128, Depth: 1024, TokensPerSecond: spread(deep), BytesPerSecond: round(deep[2] * float64(bytes)), InterToken: q(1.25 / speed), Samples: deep},
		},
		PeakMemory: bytes + 61_000_000, MappedBytes: bytes, SessionBytes: 23_592_960,
		Energy: &bench.Energy{JoulesPerToken: 0.62, IdleJoulesPerToken: 0.41, IdleWatts: 11.2},
		Noise:  &bench.Noise{Rounds: 8, Ratio: 1.004, Low: 0.991, High: 1.017, Spread: 0.017},
	}
}

func round(v float64) float64 { return math.Round(v*1e4) / 1e4 }

func (g *generator) tasks(kld float64) []task.Result {
	var out []task.Result
	for _, t := range []struct {
		name string
		p    float64
	}{{"hellaswag", 0.43}, {"arc-easy", 0.58}} {
		const n = 200
		ref, right, rw, wr := 0, 0, 0, 0
		var answers strings.Builder
		for range n {
			a := g.Float64() < t.p
			b := a != (g.Float64() < 0.5*math.Sqrt(kld))
			letter := byte('w')
			if a {
				ref++
			}
			if b {
				right, letter = right+1, 'r'
			}
			if a && !b {
				rw++
			}
			if b && !a {
				wr++
			}
			answers.WriteByte(letter)
		}
		r := accuracy(ref, n)
		out = append(out, task.Result{Task: t.name, Data: t.name + ".jsonl", SHA256: sum(t.name), Items: n, Score: accuracy(right, n),
			Reference: &r, Flips: &task.Flips{RightToWrong: rw, WrongToRight: wr, Rate: float64(rw+wr) / n, P: stats.McNemar(rw, wr)}, Answers: answers.String()})
	}
	return out
}

func accuracy(k, n int) task.Accuracy {
	low, high := stats.Wilson(k, n, figure.Level)
	return task.Accuracy{Correct: k, Value: float64(k) / float64(n), Low: low, High: high}
}

func (g *generator) tensors(kld float64, file string) []Tensor {
	scale := math.Sqrt(kld) / 3
	other := "Q4_K"
	if strings.HasPrefix(file, "Q3") {
		other = "Q3_K"
	}
	row := func(name, kind string, layer int, factor float64, shape ...int64) Tensor {
		role := strings.TrimSuffix(name, ".weight")
		if layer >= 0 {
			role = strings.TrimPrefix(role, fmt.Sprintf("blk.%d.", layer))
		}
		t := Tensor{Name: name, Type: kind, Shape: shape, Layer: layer, Role: role}
		elements := int64(1)
		for _, d := range shape {
			elements *= d
		}
		t.Bytes = elements * map[string]int64{"F32": 32, "Q6_K": 7, "Q8_0": 9, "Q4_K": 5, "Q3_K": 4}[kind] / 8
		if kind == "F32" {
			t.Bytes = elements * 4
		}
		e := round(factor * scale * (1 + 0.08*g.NormFloat64()))
		t.Error = &e
		return t
	}
	out := []Tensor{row("token_embd.weight", "Q8_0", -1, 0.03, 576, 49152)}
	for l := range 30 {
		p := fmt.Sprintf("blk.%d.", l)
		f := 1 + 0.5*math.Exp(-float64(l)/3) + 0.3*math.Exp(float64(l-29)/2)
		down := other
		if l < 4 || l%3 == 0 || l > 26 {
			down = "Q6_K"
		}
		low := map[bool]float64{true: 0.35, false: 1}[down == "Q6_K"]
		out = append(out,
			row(p+"attn_norm.weight", "F32", l, 0, 576), row(p+"ffn_down.weight", down, l, 1.1*f*low, 1536, 576),
			row(p+"ffn_gate.weight", other, l, 1.0*f, 576, 1536), row(p+"ffn_up.weight", other, l, 0.95*f, 576, 1536),
			row(p+"ffn_norm.weight", "F32", l, 0, 576), row(p+"attn_k.weight", other, l, 1.2*f, 576, 192),
			row(p+"attn_output.weight", other, l, 0.9*f, 576, 576), row(p+"attn_q.weight", other, l, 1.15*f, 576, 576),
			row(p+"attn_v.weight", down, l, 0.8*f*low, 576, 192))
	}
	return append(out, row("output_norm.weight", "F32", -1, 0, 576))
}

func (g *generator) comparisons(c []Candidate) []Comparison {
	var out []Comparison
	for i := range c {
		for j := i + 1; j < len(c); j++ {
			a, b := &figure.Series{Chunks: c[i].Chunks, Paired: true}, &figure.Series{Chunks: c[j].Chunks, Paired: true}
			l, ok, err := figure.Relative("kld.mean", a, b, figure.All, true)
			if !ok || err != nil {
				panic(err)
			}
			low, high := stats.Interval(l, figure.Level)
			out = append(out, Comparison{A: c[i].Name, B: c[j].Name, Metric: "kld.mean", Relative: l.Estimate(),
				CI: &figure.Interval{Low: low, High: high}, P: min(1, 2*min(l.PBelow(0), l.PAbove(0)))})
		}
	}
	p := make([]float64, len(out))
	for i, x := range out {
		p[i] = x.P
	}
	for i, q := range stats.Holm(p) {
		out[i].PAdjusted = q
		if q < 0.05 {
			out[i].Better = map[bool]string{true: "a", false: "b"}[out[i].Relative < 0]
		}
	}
	return out
}
