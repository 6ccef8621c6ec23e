package gate

import (
	"fmt"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

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
