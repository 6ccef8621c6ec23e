package gate

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

// even is a world whose chunks differ little, so that verdicts are clear.
func even(chunks int, kld float64, slices ...string) *report.Report {
	r := rand.New(rand.NewPCG(1, 1))
	out := &report.Report{Reference: &report.Model{SHA256: "ref"}, Protocol: report.Protocol{Context: 512}}
	for _, s := range slices {
		out.Data = append(out.Data, report.Data{Name: s, SHA256: s})
	}
	c := report.Candidate{Model: report.Model{Name: "m.gguf", Bytes: 1000, BitsPerWeight: 4.5}, Metrics: &figure.Metrics{Comparison: &figure.Comparison{}}}
	rms := 0.1
	c.Tensors = []report.Tensor{{Name: "a", Error: &rms}, {Name: "norm"}}
	for i := range chunks {
		x := figure.ChunkStats{Slice: i % max(1, len(slices)), Tokens: 100, Bytes: 400, SameTop: 90 + i%3}
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
