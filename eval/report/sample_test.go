package report

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/carat-llm/carat/eval/figure"
)

var update = flag.Bool("update", false, "write the files of testdata anew")

// TestMain makes the samples anew with -update. Otherwise they are read, so that only what this package does can
// change what is drawn from them.
func TestMain(m *testing.M) {
	flag.Parse()
	if *update {
		for name, r := range map[string]*Report{"sample": makeSample(), "single": makeSingle()} {
			b, err := Marshal(r)
			if err == nil {
				err = os.WriteFile("testdata/"+name+".json", b, 0o644)
			}
			if err != nil {
				panic(err)
			}
		}
	}
	os.Exit(m.Run())
}

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
	s := figure.Series{Chunks: c.Chunks}
	for i := range s.Chunks {
		k := &s.Chunks[i]
		*k = figure.ChunkStats{Slice: k.Slice, Tokens: k.Tokens, Bytes: k.Bytes, NLL: k.NLL, NLL2: k.NLL2}
	}
	c.Metrics, c.WorstSlice = s.Metrics(figure.All), ""
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

func sampleGate(r *Report) *Gate {
	c := &r.Candidates[0]
	f := func(v float64) *float64 { return &v }
	d := c.Metrics.Divergence
	worst := c.Slices[r.Slice(c.WorstSlice)].Metrics.Divergence
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
