package gate

import (
	"testing"

	"github.com/carat-llm/carat/eval/parity"
	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

func TestParity(t *testing.T) {
	d := 0.004
	for name, c := range map[string]struct {
		parity   *parity.Result
		level    string
		verdict  string
		code     int
		infinite bool
		message  string
	}{
		"near":          {&parity.Result{Chunks: 4, Perplexity: 71.8992, CaratPerplexity: 71.6, Difference: &d}, "error", report.Pass, 0, false, "parity.llama_cpp 0.004 <= 0.01 (perplexity 71.9 in llama.cpp and 71.6 in carat over 4 chunks): pass"},
		"refused":       {&parity.Result{Refused: "failed to load"}, "error", report.Fail, ExitFail, true, "parity.llama_cpp is infinite and is not <= 0.01 (llama.cpp refuses the file: failed to load): fail"},
		"a warning":     {&parity.Result{Refused: "failed to load"}, "warn", report.Fail, 0, true, "parity.llama_cpp is infinite and is not <= 0.01 (llama.cpp refuses the file: failed to load): fail"},
		"no program":    {&parity.Result{Unmeasured: "llama-perplexity was not found"}, "error", report.Skipped, ExitNotMeasured, false, "parity.llama_cpp could not be judged: llama-perplexity was not found: skipped"},
		"none, told":    {&parity.Result{Unmeasured: "llama-perplexity was not found"}, "warn", report.Skipped, 0, false, "parity.llama_cpp could not be judged: llama-perplexity was not found: skipped"},
		"not asked for": {nil, "error", report.Skipped, ExitNotMeasured, false, "parity.llama_cpp could not be judged: not measured: skipped"},
	} {
		r := even(20, 0.04)
		r.Candidates[0].Parity = c.parity
		g := judge(t, policy(t, `{metric: parity.llama_cpp, value: 1e-2, level: `+c.level+`}`), r, nil)
		require.Equal(t, []any{c.verdict, c.infinite, c.message}, []any{g.Gates[0].Verdict, g.Gates[0].Infinite, g.Gates[0].Message}, name)
		require.Equal(t, c.code, g.ExitCode, name)
		require.Zero(t, map[bool]float64{true: g.Gates[0].Value}[c.infinite], name)
	}
	d = 0.02
	r := even(20, 0.04)
	r.Candidates[0].Parity = &parity.Result{Chunks: 1, Perplexity: 5, CaratPerplexity: 4.9, Difference: &d}
	require.Equal(t, report.Fail, judge(t, policy(t, `{metric: parity.llama_cpp, value: 1e-2}`), r, nil).Gates[0].Verdict)
	require.Equal(t, report.Pass, judge(t, policy(t, `{metric: parity.llama_cpp, value: 0.02}`), r, nil).Gates[0].Verdict)
	r.Candidates[0].Failure = "logits are NaN"
	require.Equal(t, report.Skipped, judge(t, policy(t, `{metric: parity.llama_cpp, value: 1}`), r, nil).Gates[0].Verdict)
}
