package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval"
	"github.com/carat-llm/carat/eval/latency"
	"github.com/carat-llm/carat/eval/stats"
	"github.com/carat-llm/carat/eval/task"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the files of testdata and docs/report.schema.json anew")

// TestMain makes the samples anew with -update. Otherwise they are read, so that only what this package does can
// change what is drawn from them.
func TestMain(m *testing.M) {
	flag.Parse()
	if *update {
		for name, r := range map[string]*Report{"sample": makeSample(), "single": makeSingle()} {
			if err := Write("testdata/"+name+".json", r); err != nil {
				panic(err)
			}
		}
	}
	os.Exit(m.Run())
}

func sample() *Report { return stored("sample") }
func single() *Report { return stored("single") }

func stored(name string) *Report {
	r, err := Read("testdata/" + name + ".json")
	if err != nil {
		panic(err)
	}
	return r
}

// makeSample makes a report of a gate over six candidates and two controls on four slices: everything that a report can
// hold, with numbers such as real models have.
func makeSample() *Report {
	const parameters = 134_515_008
	g := &generator{rand.New(rand.NewPCG(1, 2)), nil}
	slices := []string{"prose", "code", "chat", "devanagari"}
	r := &Report{
		Schema: Schema, Version: Version, Tool: Tool{"carat", "1.0.0"}, Command: "gate", Complete: true,
		Protocol:    Protocol{Context: 128, Chunks: 24},
		Calibration: &Calibration{File: "calibration.txt", SHA256: sum("calibration"), Overlap: 0.0021, Worst: "prose", Excerpt: "the quick brown fox jumps over"},
		Reference: &Model{Name: "SmolLM2-135M-Instruct", SHA256: sum("reference"), Bytes: 269_060_552, Architecture: "llama",
			FileType: "BF16", Parameters: parameters, BitsPerWeight: 16.002, Title: "SmolLM2 135M Instruct"},
	}
	for _, s := range slices {
		r.Data = append(r.Data, Data{s, s + ".txt", sum(s), 2900, 768, 6})
	}
	g.texts(24, 63, 6)
	for _, m := range []struct {
		file, role string
		bpw, kld   float64
		speed      float64
		detail     bool
	}{
		{"Q4_K_M", "", 4.85, 0.042, 61.2, true},
		{"IQ4_XS", "", 4.46, 0.058, 55.4, false},
		{"Q5_K_M", "", 5.71, 0.0128, 52.8, false},
		{"Q6_K", "", 6.57, 0.0041, 46.1, false},
		{"Q3_K_M", "", 3.96, 0.171, 66.0, false},
		{"Q4_0", "", 4.79, 0.097, 70.3, false},
		{"Q4_K_M", Control, 4.86, 0.061, 61.0, false},
		{"Q5_K_M", Control, 5.72, 0.019, 52.5, false},
	} {
		c := Candidate{Model: Model{Name: "smollm2-" + m.file + ".gguf", SHA256: sum(m.file + m.role), Bytes: int64(m.bpw * parameters / 8),
			Architecture: "llama", FileType: m.file, Parameters: parameters, BitsPerWeight: m.bpw, Title: "SmolLM2 135M Instruct"}, Role: m.role}
		if m.role == Control {
			c.Name = "llama.cpp-" + m.file
		}
		g.measure(&c, m.kld, slices)
		c.Latency = g.latency(m.speed, c.Bytes)
		if m.role == "" {
			c.Tasks = g.tasks(m.kld)
		}
		if m.detail {
			c.Tensors = g.tensors(m.kld, m.file)
		}
		r.Candidates = append(r.Candidates, c)
	}
	low, high := &r.Candidates[6], &r.Candidates[7] // the ladder: log divergence is about linear in bits
	slope := math.Log(low.Metrics.Divergence.Mean/high.Metrics.Divergence.Mean) / (high.BitsPerWeight - low.BitsPerWeight)
	for i := range 3 {
		bits := round(low.BitsPerWeight + math.Log(low.Metrics.Divergence.Mean/r.Candidates[i].Metrics.Divergence.Mean)/slope)
		r.Candidates[i].EffectiveBits = &bits
	}
	for _, i := range []int{0, 1, 2, 3, 4} {
		r.Candidates[i].Pareto = true
	}
	r.Comparisons = g.comparisons(r.Candidates)
	r.Gate = sampleGate(r)
	r.Findings = []Finding{
		{Rule: "chat-template-missing", Level: Warn, Model: "smollm2-Q3_K_M.gguf", Key: "tokenizer.chat_template", Message: "the reference has a chat template, this file has none"},
		{Rule: "tensor-zero", Level: Error, Model: "smollm2-Q4_0.gguf", Tensor: "blk.7.ffn_up.weight", Message: "all values of the tensor are zero"},
	}
	return r
}

// makeSingle is `carat eval` without a reference: one text, one candidate.
func makeSingle() *Report {
	g := &generator{rand.New(rand.NewPCG(3, 4)), nil}
	g.texts(8, 255, 8)
	c := Candidate{Model: Model{Name: "smollm2-Q4_K_M.gguf", SHA256: sum("Q4_K_M"), Bytes: 81_550_000, Architecture: "llama",
		FileType: "Q4_K_M", Parameters: 134_515_008, BitsPerWeight: 4.85}}
	g.measure(&c, 0.05, []string{"wiki"})
	s := eval.Series{Chunks: c.Chunks}
	for i := range s.Chunks {
		k := &s.Chunks[i]
		*k = eval.ChunkStats{Slice: k.Slice, Tokens: k.Tokens, Bytes: k.Bytes, NLL: k.NLL, NLL2: k.NLL2}
	}
	c.Metrics, c.WorstSlice = s.Metrics(eval.All), ""
	return &Report{
		Schema: Schema, Version: Version, Tool: Tool{"carat", "1.0.0"}, Command: "eval", Complete: false,
		Protocol:   Protocol{Context: 512, Chunks: 40},
		Data:       []Data{{"wiki", "wiki.txt", sum("wiki"), 101_000, 20_480, 40}},
		Candidates: []Candidate{c},
	}
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

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
	s := eval.Series{Paired: true}
	for _, b := range g.base {
		k := eval.ChunkStats{Slice: b.slice, Tokens: len(b.nll), Bytes: 4 * len(b.nll)}
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
	c.Chunks, c.Metrics = s.Chunks, s.Metrics(eval.All)
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

func (g *generator) latency(speed float64, bytes int64) *latency.Result {
	samples := func(v float64) (s []float64) {
		for range 5 {
			s = append(s, round(v*(1+0.02*g.NormFloat64())))
		}
		return s
	}
	spread := func(s []float64) latency.Spread {
		return latency.Spread{Median: s[2], Min: min(s[0], s[1], s[2], s[3], s[4]), Max: max(s[0], s[1], s[2], s[3], s[4])}
	}
	q := func(t float64) *latency.Quantiles {
		return &latency.Quantiles{P50: round(t), P95: round(t * 1.08), P99: round(t * 1.31), Max: round(t * 1.9)}
	}
	pp, tg, deep := samples(speed*4), samples(speed), samples(speed*0.8)
	return &latency.Result{Threads: 2, CPU: "a CPU with AVX2", WeightBytes: bytes, Load: &latency.Load{Cold: 0.41, Warm: 0.08},
		Tests: []latency.Test{
			{Name: "pp512", Tokens: 512, TokensPerSecond: spread(pp), FirstToken: q(512 / speed / 4), Samples: pp},
			{Name: "tg128", Tokens: 128, TokensPerSecond: spread(tg), BytesPerSecond: round(tg[2] * float64(bytes)), InterToken: q(1 / speed), Samples: tg},
			{Name: "tg128@d1024", Tokens: 128, Depth: 1024, TokensPerSecond: spread(deep), BytesPerSecond: round(deep[2] * float64(bytes)), InterToken: q(1.25 / speed), Samples: deep},
		},
		PeakMemory: bytes + 61_000_000, MappedBytes: bytes, SessionBytes: 23_592_960,
		Energy: &latency.Energy{JoulesPerToken: 0.62, IdleJoulesPerToken: 0.41, IdleWatts: 11.2},
		Noise:  &latency.Noise{Rounds: 8, Ratio: 1.004, Low: 0.991, High: 1.017, Spread: 0.017},
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
	low, high := stats.Wilson(k, n, eval.Level)
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
			a, b := &eval.Series{Chunks: c[i].Chunks, Paired: true}, &eval.Series{Chunks: c[j].Chunks, Paired: true}
			l, ok, err := eval.Relative("kld.mean", a, b, eval.All, true)
			if !ok || err != nil {
				panic(err)
			}
			low, high := stats.Interval(l, eval.Level)
			out = append(out, Comparison{A: c[i].Name, B: c[j].Name, Metric: "kld.mean", Relative: l.Estimate(),
				CI: &eval.Interval{Low: low, High: high}, P: min(1, 2*min(l.PBelow(0), l.PAbove(0)))})
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

func sampleGate(r *Report) *Gate {
	c := &r.Candidates[0]
	f := func(v float64) *float64 { return &v }
	d := c.Metrics.Divergence
	worst := c.Slices[r.slice(c.WorstSlice)].Metrics.Divergence
	return &Gate{
		Verdict: Fail, ExitCode: 1, Policy: "carat.yaml", PolicySHA256: sum("policy"), Candidate: c.Name, Profile: "pr",
		Tokens: c.Metrics.Perplexity.Tokens, MaxTokens: 262_144, Looks: 3,
		Gates: []Result{
			{ID: "kld", Metric: "kld.mean", Scope: "worst_slice", Slice: c.WorstSlice, Op: "<=", Limit: 0.2, Value: worst.Mean, Lower: f(worst.CI.Low), Upper: f(worst.CI.High),
				Confidence: 0.95, Level: Error, Verdict: Pass, PFail: f(1), Message: "the divergence of the worst slice is at most the limit", Line: 12},
			{ID: "tail", Metric: "kld.p99", Scope: "all", Op: "<=", Limit: 0.6, Value: d.P99, Lower: f(d.P99CI.Low), Upper: f(d.P99CI.High),
				Confidence: 0.95, Level: Error, Verdict: Inconclusive, PFail: f(0.31), Message: "the limit is within the interval after 1512 tokens", Line: 13},
			{ID: "top1", Metric: "same_top", Scope: "slice:code", Slice: "code", Op: ">=", Limit: 0.97, Value: 0.9312, Lower: f(0.911), Upper: f(0.949),
				Confidence: 0.95, Level: Error, Verdict: Fail, PFail: f(0.0004), Message: "the same token is likeliest less often than asked", Line: 14},
			{ID: "ppl", Metric: "ppl.ratio", Scope: "all", Op: "<=", Limit: 1.005, Value: c.Metrics.Ratio.Value, Lower: f(c.Metrics.Ratio.CI.Low), Upper: f(c.Metrics.Ratio.CI.High),
				Confidence: 0.95, Level: Error, Verdict: Fail, PFail: f(0.002), Message: "waived: the fine-tune is known to raise it", Line: 15, Waived: true},
			{ID: "better", Metric: "kld.mean", Scope: "all", Op: "<=", Limit: -0.25, Value: -0.31, Lower: f(-0.34), Upper: f(-0.28),
				Confidence: 0.95, Versus: "control", Other: f(0.061), Paired: true, Level: Warn, Verdict: Pass, Message: "nearer to the reference than the control", Line: 16},
			{ID: "speed", Metric: "decode.tok_s", Scope: "all", Op: ">=", Limit: -0.10, Value: 0, Confidence: 0.95, Versus: "baseline", Level: Warn, Verdict: Skipped,
				Message: "the machine is too noisy: A/A spread of 14 %", Line: 17},
			{ID: "size", Metric: "bytes", Scope: "all", Op: "<=", Limit: 85_000_000, Value: float64(c.Bytes), Confidence: 0.95, Level: Error, Verdict: Pass, Message: "the file fits", Line: 18},
		},
		Waivers: []Waiver{{Gate: "ppl", Until: "2026-12-31", Reason: "known; issue 42"}},
	}
}

// golden compares got with testdata/name, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test ./eval/report -update makes it")
	if bytes.Equal(want, got) {
		return
	}
	was, is := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(was), len(is)) { // the first line only: megabytes of difference help nobody
		require.Equal(t, was[i], is[i], "%s:%d; if that is meant: go test ./eval/report -update", path, i+1)
	}
	require.Equal(t, len(was), len(is), "lines of %s", path)
}
