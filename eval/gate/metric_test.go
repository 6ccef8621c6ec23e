package gate

import (
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/task"
	"github.com/stretchr/testify/require"
)

func fast(rates ...float64) *bench.Result {
	return &bench.Result{CPU: "x", PeakMemory: 500, Load: &bench.Load{Warm: 2}, Noise: &bench.Noise{Spread: 0.05},
		Energy: &bench.Energy{JoulesPerToken: 3},
		Tests: []bench.Test{{Name: "pp512", FirstToken: &bench.Quantiles{P50: 1, P95: 2}, Samples: rates},
			{Name: "tg128@d1024", Depth: 1024, Samples: []float64{1}},
			{Name: "tg128", Samples: rates, InterToken: &bench.Quantiles{P50: 0.01, P95: 0.02, P99: 0.03}}}}
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
