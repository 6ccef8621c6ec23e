package page

import (
	"bytes"
	"html"
	"io"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/parity"
	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

// told are the renderers for people, without Markdown's and HTML's escapes.
func told(t *testing.T, r *report.Report) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, render := range map[string]func(io.Writer, *report.Report) error{
		"terminal": func(w io.Writer, r *report.Report) error { return Terminal(w, r, false) }, "markdown": Markdown, "html": HTML,
	} {
		var b bytes.Buffer
		require.NoError(t, render(&b, r))
		out[name] = strings.NewReplacer(`\`, "", "\u00a0", " ", "<small class=\"failure\">", " ").Replace(html.UnescapeString(b.String()))
	}
	return out
}

func TestFailedCandidates(t *testing.T) {
	r := sample()
	r.Gate = nil
	r.Comparisons = nil
	r.Candidates[0] = report.Candidate{Model: report.Model{Name: "broken.gguf"}, Failure: "broken.gguf: blk.0.attn_q.weight ends after the file"}
	require.NoError(t, r.Validate())
	require.Equal(t, "smollm2-Q6_K.gguf", focus(r).Name, "the best of what was measured")
	for name, s := range told(t, r) {
		require.Contains(t, s, "blk.0.attn_q.weight ends after the file", name)
		for _, bad := range []string{"0.000 ", "0.000<", "0 B"} {
			for line := range strings.Lines(s) {
				if strings.Contains(line, "broken.gguf") {
					require.NotContains(t, line, bad, name)
				}
			}
		}
		require.NotContains(t, s, "<td class=\"n\">0 B</td>", name)
	}
	var b bytes.Buffer
	require.NoError(t, CSV(&b, r))
	require.Contains(t, b.String(), "\nbroken.gguf,,,,,,,,false,")
	require.Contains(t, b.String(), ",broken.gguf: blk.0.attn_q.weight ends after the file\n")
	b.Reset()
	require.NoError(t, JUnit(&b, r))
	require.Contains(t, b.String(), `<error message="broken.gguf: blk.0.attn_q.weight ends after the file"`)
	r.Candidates = r.Candidates[:1]
	for name, s := range told(t, r) {
		require.Contains(t, s, "blk.0.attn_q.weight ends after the file", name)
	}
}

func TestFarDifferences(t *testing.T) {
	for v, want := range map[float64]string{0.031: "+3.1 %", -0.5: "-50.0 %", 2.1: "x 3.1", 997.9: "x 999", 999: "more than 1000 times", 1e14: "more than 1000 times"} {
		require.Equal(t, want, showRelative(v))
	}
	require.Equal(t, "+10.0 % to more than 1000 times", showRelativeInterval(&figure.Interval{Low: 0.1, High: 1e9}))
	require.Equal(t, "more than 1000 times", showRelativeInterval(&figure.Interval{Low: 1e8, High: 1e9}))
}

func TestStopped(t *testing.T) {
	r := sample()
	r.Gate = nil
	for _, c := range []struct {
		stopped string
		width   float64
		want    string
	}{
		{report.StoppedByWidth, 0.05, "; stopped: the divergence was known to 5 %"}, {report.StoppedByWidth, 0, "; stopped: the divergence was known well enough"},
		{report.StoppedByTokens, 0.05, "; stopped: by --max-tokens"},
	} {
		r.Protocol.Stopped, r.Protocol.UntilWidth = c.stopped, c.width
		require.NoError(t, r.Validate())
		for name, s := range told(t, r) {
			require.Contains(t, s, c.want, name)
		}
	}
	r.Protocol.Stopped = ""
	for name, s := range told(t, r) {
		require.NotContains(t, s, "stopped", name)
	}
	r.Protocol.Stopped = "tired"
	require.ErrorContains(t, r.Validate(), "protocol.stopped")
	r.Protocol.Stopped, r.Protocol.UntilWidth = "", 1
	require.ErrorContains(t, r.Validate(), "protocol.until_width")
}

// TestComputationIsTold: figures that were not computed as usual say so.
func TestComputationIsTold(t *testing.T) {
	r := sample()
	for _, c := range []report.Computation{{}, {Compute: "exact"}, {Compute: "exact", KVType: "F32"}} {
		r.Protocol.Computation = c
		for name, s := range told(t, r) {
			require.NotContains(t, s, "computed", name)
		}
	}
	r.Protocol.Computation = report.Computation{Compute: "fast", KVType: "F16"}
	require.NoError(t, r.Validate())
	for name, s := range told(t, r) {
		require.Contains(t, s, "computed fast, cache F16", name)
	}
	r.Protocol.Compute = "quick"
	require.ErrorContains(t, r.Validate(), "protocol.compute")
}

func TestParityIsTold(t *testing.T) {
	d := 0.00056
	for want, p := range map[string]parity.Result{
		"n llama.cpp 0.5.0 (build 1): perplexity 71.8992 over 4 chunks, here 71.8588, 0.06 % apart": {Version: "0.5.0 (build 1)", Chunks: 4, Perplexity: 71.8992, CaratPerplexity: 71.8588, Difference: &d},
		"n llama.cpp: refused: failed to load model":                                                {Refused: "failed to load model"},
		"n llama.cpp: not measured: no program":                                                     {Unmeasured: "no program"},
	} {
		for _, r := range []*report.Report{sample(), single()} {
			focus(r).Parity = &p
			require.NoError(t, r.Validate())
			for name, s := range told(t, r) {
				require.Equal(t, 1, strings.Count(s, want), "%s: %s", name, want)
			}
		}
	}
	r := sample()
	r.Gate.Gates[2].Infinite = true
	for name, s := range told(t, r) {
		require.Contains(t, s, "∞", name)
	}
	var b bytes.Buffer
	require.NoError(t, CSVTable(&b, r, "gates"))
	require.Contains(t, b.String(), ",0.97,+Inf,")
	d = -1
	r.Candidates[0].Parity = &parity.Result{Difference: &d}
	require.ErrorContains(t, r.Validate(), "candidates[0].parity")
}

func TestStoredVerdictsAreShown(t *testing.T) {
	r := sample()
	const want = "stored verdict: nothing it depends on has changed"
	for name, s := range told(t, r) {
		require.NotContains(t, s, want, name)
	}
	r.Gate.Cached = true
	for name, s := range told(t, r) {
		require.Contains(t, s, want, name)
	}
}

// TestBoundOfVerdicts: a pass rests on the worse limit, a failure on the better one, what is exact on none.
func TestBoundOfVerdicts(t *testing.T) {
	low, high := 1.0, 2.0
	for _, c := range []struct{ op, verdict, want string }{
		{"<=", report.Pass, "2.000"}, {"<=", report.Inconclusive, "2.000"}, {"<=", report.Fail, "1.000"}, {">=", report.Pass, "1.000"}, {">=", report.Fail, "2.000"}, {">=", report.Skipped, ""},
	} {
		x := report.Result{Metric: "kld.mean", Op: c.op, Verdict: c.verdict, Lower: &low, Upper: &high}
		require.Equal(t, c.want, boundText(&x), c)
	}
	x := report.Result{Metric: "bytes", Op: "<=", Verdict: report.Pass, Lower: &low, Upper: &low}
	require.Empty(t, boundText(&x)+intervalText(&x))
}

// TestWaiversAreToldOnce: not again where the gate's message has them.
func TestWaiversAreToldOnce(t *testing.T) {
	r := sample()
	r.Gate.Gates[3].Message = "too high (waived until 2026-12-31: known; issue 42)"
	for name, s := range told(t, r) {
		require.Equal(t, 1, strings.Count(s, "known; issue 42"), name)
	}
}
