package gate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval"
	"github.com/carat-llm/carat/eval/latency"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/task"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// even is a world whose chunks differ little, so that verdicts are clear.
func even(chunks int, kld float64, slices ...string) *report.Report {
	r := rand.New(rand.NewPCG(1, 1))
	out := &report.Report{Reference: &report.Model{SHA256: "ref"}, Protocol: report.Protocol{Context: 512}}
	for _, s := range slices {
		out.Data = append(out.Data, report.Data{Name: s, SHA256: s})
	}
	c := report.Candidate{Model: report.Model{Name: "m.gguf", Bytes: 1000, BitsPerWeight: 4.5}, Metrics: &eval.Metrics{Comparison: &eval.Comparison{}}}
	rms := 0.1
	c.Tensors = []report.Tensor{{Name: "a", Error: &rms}, {Name: "norm"}}
	for i := range chunks {
		x := eval.ChunkStats{Slice: i % max(1, len(slices)), Tokens: 100, Bytes: 400, SameTop: 90 + i%3}
		for range 100 {
			v := kld * (0.5 + r.Float64())
			x.KLDs = append(x.KLDs, float32(v))
			x.KLD += v
			x.NLL += 2 + v
			x.RefNLL += 2
		}
		c.Chunks = append(c.Chunks, x)
	}
	out.Candidates = []report.Candidate{c}
	return out
}

func policy(t *testing.T, gates string, more ...string) *Policy {
	t.Helper()
	return parse(t, "version: 1\ngates: ["+gates+"]\n"+strings.Join(more, "\n"))
}

func judge(t *testing.T, p *Policy, r, baseline *report.Report) *report.Gate {
	t.Helper()
	g, err := Judge(p, r, 0, baseline, Options{Today: "2026-08-01"})
	require.NoError(t, err)
	require.Len(t, g.Gates, len(p.Gates))
	return g
}

func TestVerdicts(t *testing.T) {
	r := even(20, 0.04, "code", "chat")
	for gate, want := range map[string]struct {
		verdict string
		exit    int
		message string
	}{
		`{metric: kld.mean, value: 0.05}`: {report.Pass, 0, `^kld.mean 0.0\d+ \(95 % limit 0.04\d+\) <= 0.05: pass$`},
		`{metric: kld.mean, value: 0.03}`: {report.Fail, 1, `^kld.mean 0.0\d+ \(95 % limit 0.03\d+\) is not <= 0.03: fail$`},
		`{metric: kld.mean, value: 0.0401, confidence: 0.9999}`: {report.Inconclusive, 3,
			`^kld.mean 0.\d+ \(99.99 % limits 0.03\d+ and 0.04\d+\) may or may not be <= 0.0401: inconclusive$`},
		`{metric: kld.mean, value: 0.05, scope: worst_slice}`:   {report.Pass, 0, `<= 0.05 in slice (code|chat): pass$`},
		`{metric: kld.mean, value: 0.05, scope: "slice:chat"}`:  {report.Pass, 0, `<= 0.05 in slice chat: pass$`},
		`{metric: kld.mean, value: 0.05, scope: "slice:poems"}`: {report.Skipped, 5, `^kld.mean could not be judged: the report has no slice poems: skipped$`},
		`{metric: same_top, value: 0.88}`:                       {report.Pass, 0, `^same_top 0.9\d* \(95 % limit 0.8\d*\) >= 0.88: pass$`},
		`{metric: same_top, value: 0.95}`:                       {report.Fail, 1, `is not >= 0.95: fail$`},
		`{metric: same_top, op: "<=", value: 0.95}`:             {report.Pass, 0, `<= 0.95: pass$`},
		`{metric: kld.max, value: 0.06}`:                        {report.Pass, 0, `^kld.max 0.0\d+ <= 0.06: pass$`},
		`{metric: kld.max, value: 0.05}`:                        {report.Fail, 1, `^kld.max 0.0\d+ is not <= 0.05: fail$`},
		`{metric: bytes, value: 1000}`:                          {report.Pass, 0, `^bytes 1000 <= 1000: pass$`},
		`{metric: bytes, value: 999}`:                           {report.Fail, 1, `^bytes 1000 is not <= 999: fail$`},
		`{metric: findings, value: 0}`:                          {report.Pass, 0, `^findings 0 <= 0: pass$`},
		`{metric: failure, value: 0}`:                           {report.Pass, 0, `^failure 0 <= 0: pass$`},
		`{metric: decode.tok_s, value: 1}`:                      {report.Skipped, 5, `^decode.tok_s could not be judged: not measured: skipped$`},
		`{metric: kld.mean, vs: baseline, rel_margin: 0}`:       {report.Skipped, 5, `there is no baseline report: skipped$`},
		`{metric: bytes, value: 999, level: warn}`:              {report.Pass, 0, `is not <= 999: fail$`},
		`{metric: decode.tok_s, value: 1, level: warn}`:         {report.Pass, 0, `skipped$`},
	} {
		g := judge(t, policy(t, gate), r, nil)
		require.Equal(t, want.verdict, g.Verdict, "%s: %s", gate, g.Gates[0].Message)
		require.Equal(t, want.exit, g.ExitCode, gate)
		require.Regexp(t, want.message, g.Gates[0].Message, gate)
		require.Equal(t, 2000, g.Tokens)
	}
}

func TestExitCodes(t *testing.T) {
	unsure := `{metric: kld.mean, value: 0.0401, confidence: 0.9999}`
	r := even(20, 0.04)
	for _, c := range []struct {
		gates, inconclusive, verdict string
		exit, warnOnly               int
	}{
		{unsure, "more_data", report.Inconclusive, 3, 0},
		{unsure, "warn", report.Inconclusive, 0, 0},
		{unsure, "fail", report.Fail, 1, 0},
		{unsure + `, {metric: bytes, value: 1}`, "more_data", report.Fail, 1, 0},
		{unsure + `, {metric: decode.tok_s, value: 1}`, "more_data", report.Skipped, 5, 5},
		{`{metric: bytes, value: 1}, {metric: decode.tok_s, value: 1}`, "more_data", report.Fail, 1, 0},
	} {
		p := policy(t, c.gates, "inconclusive: "+c.inconclusive)
		g := judge(t, p, r, nil)
		require.Equal(t, []any{c.verdict, c.exit}, []any{g.Verdict, g.ExitCode}, "%v", c)
		w, err := Judge(p, r, 0, nil, Options{WarnOnly: true})
		require.NoError(t, err)
		require.Equal(t, c.warnOnly, w.ExitCode, "%v", c)
	}
	_, err := Judge(policy(t, unsure), r, 1, nil, Options{})
	require.Error(t, err)
}

func TestFewChunksDecideNothing(t *testing.T) {
	for chunks := range 6 {
		g := judge(t, policy(t, `{metric: kld.mean, value: 100}`), even(chunks, 0.04), nil)
		want := report.Inconclusive
		if chunks >= MinChunks {
			want = report.Pass
		}
		if chunks == 0 {
			want = report.Skipped
		}
		require.Equal(t, want, g.Gates[0].Verdict, "%d chunks: %s", chunks, g.Gates[0].Message)
	}
	g := judge(t, policy(t, `{metric: kld.mean, scope: worst_slice, value: 100}`), even(10, 0.04, "a", "b", "c"), nil)
	require.Equal(t, report.Inconclusive, g.Gates[0].Verdict)
	require.Contains(t, g.Gates[0].Message, "3 chunks give no limits, at least 4 do")
	require.Nil(t, g.Gates[0].Upper)
}

func TestWorstSliceDecides(t *testing.T) {
	r := even(40, 0.04, "code", "chat")
	for i := range r.Candidates[0].Chunks {
		if c := &r.Candidates[0].Chunks[i]; c.Slice == 1 {
			c.KLD *= 3
		}
	}
	require.Equal(t, report.Pass, judge(t, policy(t, `{metric: kld.mean, value: 0.1}`), r, nil).Verdict)
	g := judge(t, policy(t, `{metric: kld.mean, value: 0.1, scope: worst_slice}`), r, nil)
	require.Equal(t, report.Fail, g.Verdict)
	require.Equal(t, "chat", g.Gates[0].Slice)
	g = judge(t, policy(t, `{metric: kld.mean, value: 0.2, scope: worst_slice}`), r, nil)
	require.Equal(t, report.Pass, g.Verdict)
	require.Equal(t, "chat", g.Gates[0].Slice)
}

func TestLooksAndSlicesWidenLimits(t *testing.T) {
	r := even(40, 0.04, "a", "b", "c", "d")
	upper := func(gate string, l Look) float64 {
		g, err := Judge(policy(t, gate), r, 0, nil, Options{Look: l})
		require.NoError(t, err)
		return *g.Gates[0].Upper
	}
	all := `{metric: kld.mean, value: 0.1}`
	require.Equal(t, upper(`{metric: kld.mean, value: 0.1, confidence: 0.9875}`, Look{}), upper(all, Look{2, 4}), "alpha/4")
	require.InDelta(t, upper(`{metric: kld.mean, value: 0.1, confidence: 0.9875, scope: "slice:a"}`, Look{1, 1}),
		upper(`{metric: kld.mean, value: 0.1, scope: "slice:a"}`, Look{1, 4}), 1e-15)
	require.Greater(t, upper(all, Look{1, 4}), upper(all, Look{1, 1}))
	g := judge(t, policy(t, `{metric: kld.mean, value: 0.1, scope: worst_slice}`), r, nil).Gates[0]
	require.InDelta(t, upper(`{metric: kld.mean, value: 0.1, confidence: 0.9875, scope: "slice:`+g.Slice+`"}`, Look{}), *g.Upper, 1e-15, "alpha over four slices")
	low := judge(t, policy(t, `{metric: kld.mean, value: 0.0399, scope: worst_slice}`), r, nil).Gates[0]
	one := judge(t, policy(t, `{metric: kld.mean, value: 0.0399, scope: "slice:`+low.Slice+`"}`), r, nil).Gates[0]
	require.InDelta(t, 4**one.PFail, *low.PFail, 1e-12, low.Message)
}

// Four gates fail at p = 0.03 each by themselves; together Holm's correction leaves them inconclusive.
func TestHolmOverGates(t *testing.T) {
	r := even(20, 0.04)
	alone := judge(t, policy(t, `{metric: kld.mean, value: 0.0395}`), r, nil).Gates[0]
	bound := 0.0
	for v := 0.036; v < 0.041; v += 0.00001 {
		p := *judge(t, policy(t, fmt.Sprintf(`{metric: kld.mean, value: %v}`, v)), r, nil).Gates[0].PFail
		if p > 0.02 && p < 0.045 {
			bound = v
		}
	}
	require.Positive(t, bound, "%v", alone)
	gate := func(id string, v float64) string { return fmt.Sprintf(`{id: %s, metric: kld.mean, value: %v}`, id, v) }
	require.Equal(t, report.Fail, judge(t, policy(t, gate("a", bound)), r, nil).Verdict)
	require.Equal(t, report.Inconclusive, judge(t, policy(t, gate("a", bound)+","+gate("b", bound)+","+gate("c", 1)), r, nil).Verdict)
	require.Equal(t, report.Fail, judge(t, policy(t, gate("a", bound)+`, {metric: bytes, value: 2000}`), r, nil).Verdict,
		"exact gates cannot fail by chance and take no part")
	require.Equal(t, report.Fail, judge(t, policy(t, gate("a", bound)+`, {metric: kld.mean, value: 1, level: warn}`), r, nil).Verdict,
		"nor do warnings")
}

func TestBaseline(t *testing.T) {
	gate := policy(t, `{metric: kld.mean, vs: baseline, rel_margin: 0.03}`)
	g := judge(t, gate, even(20, 0.04, "a"), even(20, 0.04, "a"))
	require.Equal(t, report.Pass, g.Verdict, "an unchanged model is not worse: %s", g.Gates[0].Message)
	require.True(t, g.Gates[0].Paired)
	require.Zero(t, g.Gates[0].Value)
	for _, metric := range []string{"kld.p99", "same_top", "ppl.ratio", "ppl", "bits_per_byte"} {
		g := judge(t, policy(t, fmt.Sprintf(`{metric: %s, vs: baseline, rel_margin: 0}`, metric)), even(20, 0.04, "a"), even(20, 0.04, "a"))
		require.Equal(t, report.Pass, g.Verdict, g.Gates[0].Message)
	}
	g = judge(t, gate, even(20, 0.05, "a"), even(20, 0.04, "a"))
	require.Equal(t, report.Fail, g.Verdict)
	require.Regexp(t, `^kld.mean is \+2\d.\d % against the baseline's 0.0\d+ \(95 % limit \+2\d.\d %\) is not <= \+3.0 %: fail$`, g.Gates[0].Message)

	longer := even(30, 0.04, "a")
	require.True(t, judge(t, gate, even(20, 0.04, "a"), longer).Gates[0].Paired, "as far as both went")
	other := even(20, 0.04, "a")
	other.Data[0].SHA256 = "another text"
	g = judge(t, gate, even(20, 0.04, "a"), other)
	require.False(t, g.Gates[0].Paired)
	require.Contains(t, g.Gates[0].Message, "not paired: the baseline was measured over other text")
	cut := even(20, 0.04, "a")
	cut.Candidates[0].Chunks[3].Bytes++
	require.False(t, judge(t, gate, even(20, 0.04, "a"), cut).Gates[0].Paired, "same text, other tokens")

	size := policy(t, `{metric: bytes, vs: baseline, rel_margin: 0.1}`)
	small := even(20, 0.04)
	small.Candidates[0].Bytes = 800
	require.Equal(t, report.Fail, judge(t, size, even(20, 0.04), small).Verdict)
	require.Equal(t, report.Skipped, judge(t, size, even(20, 0.04), &report.Report{}).Verdict)
}

func TestControl(t *testing.T) {
	r := even(20, 0.04, "a")
	control := even(20, 0.08, "a").Candidates[0]
	control.Name, control.Role = "llamacpp-q4_k_m", "control"
	r.Candidates = append(r.Candidates, control)
	p := policy(t, `{metric: kld.mean, vs: control, rel_margin: -0.25}`, "control: llamacpp-q4_k_m")
	g := judge(t, p, r, nil)
	require.Equal(t, report.Pass, g.Verdict, g.Gates[0].Message)
	require.True(t, g.Gates[0].Paired)
	require.Equal(t, report.Skipped, judge(t, p, even(20, 0.04, "a"), nil).Verdict)
}

func TestStoredReferenceWidensTheMean(t *testing.T) {
	r := even(20, 0.04)
	for i := range r.Candidates[0].Chunks {
		r.Candidates[0].Chunks[i].KLDBound = 100 * 0.02
	}
	require.Equal(t, report.Inconclusive, judge(t, policy(t, `{metric: kld.mean, value: 0.05}`), r, nil).Verdict)
	require.Equal(t, report.Pass, judge(t, policy(t, `{metric: kld.mean, value: 0.07}`), r, nil).Verdict)
}

func TestWaivers(t *testing.T) {
	gates := `{id: size, metric: bytes, value: 1}`
	g := judge(t, policy(t, gates, `allow: [{gate: size, until: 2026-08-01, reason: "issue 12"}]`), even(20, 0.04), nil)
	require.Equal(t, 0, g.ExitCode, "the last day is within")
	require.True(t, g.Gates[0].Waived)
	require.Equal(t, report.Fail, g.Gates[0].Verdict)
	require.Contains(t, g.Gates[0].Message, "waived until 2026-08-01: issue 12")
	require.Equal(t, []report.Waiver{{Gate: "size", Until: "2026-08-01", Reason: "issue 12"}}, g.Waivers)
	g = judge(t, policy(t, gates, `allow: [{gate: size, until: 2026-07-31, reason: "issue 12"}]`), even(20, 0.04), nil)
	require.Equal(t, 1, g.ExitCode)
	require.False(t, g.Gates[0].Waived)
	require.True(t, g.Waivers[0].Expired)
	require.Contains(t, g.Gates[0].Message, "its waiver ended on 2026-07-31")
	g = judge(t, policy(t, `{id: s, metric: decode.tok_s, value: 1}`, `allow: [{gate: s, until: 2026-08-01, reason: x}]`), even(20, 0.04), nil)
	require.Equal(t, 5, g.ExitCode, "what was not measured is not waived")
}

func fast(rates ...float64) *latency.Result {
	return &latency.Result{CPU: "x", PeakMemory: 500, Load: &latency.Load{Warm: 2}, Noise: &latency.Noise{Spread: 0.05},
		Energy: &latency.Energy{JoulesPerToken: 3},
		Tests: []latency.Test{{Name: "pp512", FirstToken: &latency.Quantiles{P50: 1, P95: 2}, Samples: rates},
			{Name: "tg128@d1024", Depth: 1024, Samples: []float64{1}},
			{Name: "tg128", Samples: rates, InterToken: &latency.Quantiles{P50: 0.01, P95: 0.02, P99: 0.03}}}}
}

func TestLatency(t *testing.T) {
	r := even(20, 0.04)
	r.Candidates[0].Latency = fast(98, 99, 100, 101, 102, 103)
	one := func(gate string, baseline *report.Report) report.Result {
		return judge(t, policy(t, gate), r, baseline).Gates[0]
	}
	for gate, want := range map[string]string{
		`{metric: decode.tok_s, value: 90}`:                 report.Pass,
		`{metric: prefill.tok_s, value: 110}`:               report.Fail,
		`{metric: decode.tok_s, value: 98}`:                 report.Skipped, // within the noise
		`{metric: decode.tok_s, value: 98, on_noise: fail}`: report.Fail,
		`{metric: ttft.p50, value: 1.2}`:                    report.Pass,
		`{metric: ttft.p95, value: 1.5}`:                    report.Fail,
		`{metric: itl.p99, value: 0.0301}`:                  report.Skipped,
		`{metric: itl.p50, value: 0.02}`:                    report.Pass,
		`{metric: itl.p95, value: 0.0215}`:                  report.Pass,
		`{metric: load.warm, value: 3}`:                     report.Pass,
		`{metric: energy.joules_per_token, value: 2}`:       report.Fail,
		`{metric: peak_memory, value: 500}`:                 report.Pass,
		`{metric: peak_memory, value: 499}`:                 report.Fail,
	} {
		got := one(gate, nil)
		require.Equal(t, want, got.Verdict, "%s: %s", gate, got.Message)
	}
	base := even(20, 0.04)
	base.Candidates[0].Latency = fast(98, 99, 100, 101, 102, 103)
	require.Equal(t, report.Pass, one(`{metric: decode.tok_s, vs: baseline, rel_margin: -0.10}`, base).Verdict)
	base.Candidates[0].Latency = fast(138, 139, 140, 141, 142, 143)
	require.Equal(t, report.Fail, one(`{metric: decode.tok_s, vs: baseline, rel_margin: -0.10}`, base).Verdict)
	require.Contains(t, one(`{metric: decode.tok_s, vs: baseline, rel_margin: -0.03}`, base).Message, "the machine's noise is 5.0 % and hides the margin of 3.0 %")
	base.Candidates[0].Latency.CPU = "y"
	require.Contains(t, one(`{metric: decode.tok_s, vs: baseline, rel_margin: -0.1}`, base).Message, "measured on another CPU")
	r.Candidates[0].Latency.Noise = nil
	require.Contains(t, one(`{metric: decode.tok_s, value: 1}`, nil).Message, "noise of the machine was not measured")
}

func TestTasks(t *testing.T) {
	r := even(20, 0.04)
	answers := strings.Repeat("r", 70) + strings.Repeat("w", 30) // two right to wrong, four wrong to right
	r.Candidates[0].Tasks = []task.Result{{Task: "arc-easy", SHA256: "s", Answers: answers, ReferenceAnswers: "wwww" + strings.Repeat("r", 68) + strings.Repeat("w", 28)}}
	for gate, want := range map[string]string{
		`{metric: task.arc-easy.score, value: 0.6}`:            report.Pass,
		`{metric: task.arc-easy.score, value: 0.68}`:           report.Inconclusive,
		`{metric: task.arc-easy.score, value: 0.8}`:            report.Fail,
		`{metric: task.arc-easy.flip_rate, value: 0.13}`:       report.Pass, // 6 of 100: limit 0.114
		`{metric: task.arc-easy.flip_rate, value: 0.11}`:       report.Inconclusive,
		`{metric: task.arc-easy.right_to_wrong, value: 0.07}`:  report.Pass, // 2 of 100: limit 0.0616
		`{metric: task.arc-easy.right_to_wrong, value: 0.001}`: report.Fail,
		`{metric: task.mmlu.score, value: 0.1}`:                report.Skipped,
	} {
		g := judge(t, policy(t, gate), r, nil).Gates[0]
		require.Equal(t, want, g.Verdict, "%s: %s", gate, g.Message)
	}
	g := judge(t, policy(t, `{metric: task.arc-easy.score, vs: baseline, rel_margin: -0.01}`), r, r).Gates[0]
	require.Equal(t, report.Pass, g.Verdict, g.Message)
	require.True(t, g.Paired)
	r.Candidates[0].Tasks[0].ReferenceAnswers = ""
	require.Equal(t, report.Skipped, judge(t, policy(t, `{metric: task.arc-easy.flip_rate, value: 1}`), r, nil).Gates[0].Verdict)
}

func TestBrokenCandidate(t *testing.T) {
	r := &report.Report{Candidates: []report.Candidate{{Model: report.Model{Name: "m"}, Failure: "logits are NaN"}},
		Findings: []report.Finding{{Level: report.Error, Model: "m"}, {Level: report.Warn}, {Level: report.Error, Model: "other"}}}
	g := judge(t, Default(), r, nil)
	require.Equal(t, 1, g.ExitCode)
	require.Equal(t, "findings 1 is not <= 0: fail", g.Gates[0].Message)
	require.Equal(t, "failure 1 is not <= 0: fail", g.Gates[1].Message)
	require.Equal(t, "tensor.error.max could not be judged: not measured: skipped", g.Gates[2].Message)
	require.Equal(t, "kld.mean could not be judged: the candidate is invalid: skipped", g.Gates[3].Message)
	for kld, code := range map[float64]int{0.05: 0, 1.5: 1} {
		r := even(60, kld, "a")
		small := 0.05
		r.Candidates[0].Tensors = []report.Tensor{{Name: "output.weight", Error: &small}}
		require.Equal(t, code, judge(t, Default(), r, nil).ExitCode)
		zeroed := 1.0
		r.Candidates[0].Tensors[0].Error = &zeroed
		require.Equal(t, 1, judge(t, Default(), r, nil).ExitCode)
	}
}

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		start, max int
		want       []int
	}{
		{16, 16, []int{16}}, {16, 64, []int{16, 32, 64}}, {16, 65, []int{16, 32, 64, 65}}, {16, 40, []int{16, 32, 40}}, {1, 1 << 40, nil},
	} {
		got := Plan(c.start, c.max)
		if c.want != nil {
			require.Equal(t, c.want, got)
		}
		require.Equal(t, c.max, got[len(got)-1])
	}
}

func TestLoop(t *testing.T) {
	run := func(gates string, text int, more ...string) (*report.Report, []int) {
		var asked []int
		l := Loop{Policy: policy(t, gates, append(more, "tokens: 800", "max_tokens: 3200")...), Measure: func(_ context.Context, tokens int) (*report.Report, error) {
			asked = append(asked, tokens)
			return even(min(text, tokens/100), 0.04), nil
		}}
		r, err := l.Run(context.Background())
		require.NoError(t, err)
		return r, asked
	}
	r, asked := run(`{metric: kld.mean, value: 1}`, 100)
	require.Equal(t, []int{800}, asked, "a clear case stops early")
	require.Equal(t, 1, r.Gate.Looks)
	unsure := `{metric: kld.mean, value: 0.0401, confidence: 0.9999}`
	r, asked = run(unsure, 100)
	require.Equal(t, []int{800, 1600, 3200}, asked)
	require.Equal(t, 3, r.Gate.ExitCode)
	require.Equal(t, 3200, r.Gate.Tokens)
	_, asked = run(unsure, 12)
	require.Equal(t, []int{800, 1600, 3200}, asked, "the text ends at 1200")
	_, asked = run(unsure, 8)
	require.Equal(t, []int{800, 1600}, asked)
	_, asked = run(unsure+`, {metric: bytes, value: 1}`, 100)
	require.Equal(t, []int{800}, asked, "a failure is final")
	_, asked = run(`{metric: kld.mean, value: 0.0401, confidence: 0.9999, level: warn}`, 100)
	require.Equal(t, []int{800}, asked, "no tokens are spent on warnings")

	broken := errors.New("broken")
	l := Loop{Policy: policy(t, unsure), Measure: func(context.Context, int) (*report.Report, error) { return even(3, 1), broken }}
	part, err := l.Run(context.Background())
	require.ErrorIs(t, err, broken)
	require.NotNil(t, part)
	require.Nil(t, part.Gate)

	l = Loop{Policy: policy(t, unsure), Available: 1600, Measure: func(_ context.Context, tokens int) (*report.Report, error) {
		require.Equal(t, 1600, tokens)
		return even(16, 0.04), nil
	}}
	r, err = l.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, 1, r.Gate.Looks, "looks that cannot be are not planned")
}

func TestStructure(t *testing.T) {
	p := policy(t, `{metric: findings, value: 0}`,
		"model: {expect_arch: llama, require: [chat_template, tokenizer_pre, general.name]}",
		"target: {types: [Q4_K, Q6_K, F32], min_type: {token_embd: Q5_0, attn_v: Q6_K, ffn_up: Q4_K, output: Q6_K}}")
	md := &gguf.Metadata{}
	md.Set("general.architecture", "qwen2")
	md.Set("general.name", "n")
	md.Set("tokenizer.ggml.pre", "")
	info := func(name string, ty gguf.Type) gguf.TensorInfo {
		return gguf.TensorInfo{Name: name, Type: ty, Shape: []int64{256, 2}}
	}
	found := Structure(p, "m.gguf", md, []gguf.TensorInfo{info("token_embd.weight", gguf.Q4_K), info("blk.0.attn_v.weight", gguf.Q4_K), info("blk.1.attn_v.weight", gguf.Q8_0), info("output_norm.weight", gguf.F32)})
	var got []string
	for _, f := range found {
		require.Equal(t, "m.gguf", f.Model)
		require.Equal(t, report.Error, f.Level)
		got = append(got, f.Rule+": "+f.Message)
	}
	require.Equal(t, []string{
		`architecture-mismatch: the architecture is "qwen2", the policy expects "llama"`,
		`metadata-missing: the metadata has no tokenizer.chat_template, which the policy requires`,
		`metadata-missing: the metadata has no tokenizer.ggml.pre, which the policy requires`,
		`tensor-type-not-allowed: blk.1.attn_v.weight is Q8_0, which is not in the types that the policy allows`,
		`tensor-type-too-small: token_embd.weight is Q4_K of 4.5 bits a weight, the policy asks for at least Q5_0 of 5.5`,
		`tensor-type-too-small: blk.0.attn_v.weight is Q4_K of 4.5 bits a weight, the policy asks for at least Q6_K of 6.562`,
		`tensor-missing: no tensor is named ffn_up, for which the policy has a least type`,
	}, got)
	require.Empty(t, Structure(policy(t, `{metric: findings, value: 0}`), "m", md, nil))
}

func TestInputs(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	p := policy(t, `{metric: findings, value: 0}`, "data: {calib: sha256:"+a+", forbid_overlap: true, eval: [{name: x, sha256: "+a+"}, {path: y.txt, sha256: "+a+"}, {path: z}]}")
	rules := func(sums []string, c *report.Calibration) (out []string) {
		for _, f := range Inputs(p, sums, c) {
			out = append(out, f.Rule+" "+f.Level)
		}
		return out
	}
	require.Empty(t, rules([]string{a, a, b}, nil))
	require.Equal(t, []string{"data-mismatch error"}, rules([]string{a, b, b}, nil))
	require.Equal(t, []string{"data-mismatch error"}, rules(nil, &report.Calibration{SHA256: b}))
	require.Equal(t, []string{"data-overlap error"}, rules(nil, &report.Calibration{SHA256: a, Overlap: 0.2}))
	require.Equal(t, []string{"data-overlap warn"}, rules(nil, &report.Calibration{SHA256: a, Overlap: 0.001}))
}
