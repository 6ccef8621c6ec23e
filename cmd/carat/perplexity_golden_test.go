package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

// goldenFigures is a section of perplexity.json: what llama-perplexity says of the reference and of quantized files.
type goldenFigures struct {
	Running []float64 // the reference's perplexity after each chunk
	Types   []struct {
		Type     string
		Imatrix  bool
		PPL, KLD float64
		Bytes    int64
	}
}

func readGoldenFigures(t *testing.T, golden, section string) goldenFigures {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(golden, "golden", "smollm2", "perplexity.json"))
	require.NoError(t, err)
	var all map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(b, &all))
	var g goldenFigures
	require.NoError(t, json.Unmarshal(all[section], &g))
	var running map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(all[section], &running))
	for _, k := range []string{"F16_running_ppl", "BF16_running_ppl"} {
		if v, ok := running[k]; ok {
			require.NoError(t, json.Unmarshal(v, &g.Running))
		}
	}
	require.NotEmpty(t, g.Running)
	require.NotEmpty(t, g.Types)
	return g
}

// requireFigures: the reference within 0.1 % after every chunk, each type within 1 % or two standard errors, and its
// divergence at most 1.05 times llama-perplexity's (which rounds activations to 8 bits and so has more).
func requireFigures(t *testing.T, g goldenFigures, r *report.Report) {
	t.Helper()
	matched := 0
	running := r.Candidates[0].Metrics.Reference.Chunks
	require.Len(t, running, len(g.Running))
	for i, want := range g.Running {
		require.InEpsilon(t, want, running[i], 1e-3, "the reference after chunk %d", i+1)
	}
	for _, want := range g.Types {
		var got *report.Candidate
		for i := range r.Candidates {
			c := &r.Candidates[i]
			if c.FileType == want.Type && (c.Role == "") == want.Imatrix {
				got = c
			}
		}
		if got == nil {
			t.Errorf("%s, imatrix %v: not in the report", want.Type, want.Imatrix)
			continue
		}
		ppl, kld := got.Metrics.Perplexity, got.Metrics.Divergence
		t.Logf("%-8s imatrix %-5v  perplexity %8.4f (%8.4f, %+.2f %%)  KLD %.6f (%.6f, x%.3f)", want.Type, want.Imatrix,
			ppl.Value, want.PPL, 100*(ppl.Value/want.PPL-1), kld.Mean, want.KLD, kld.Mean/want.KLD)
		require.InDelta(t, want.PPL, ppl.Value, max(0.01*want.PPL, 2*ppl.StdErr), want.Type)
		require.LessOrEqual(t, kld.Mean, 1.05*want.KLD, want.Type)
		matched++
	}
	t.Logf("matched %d of %d", matched, len(g.Types))
	require.NotZero(t, len(g.Types))
	require.Equal(t, len(g.Types), matched)
}

// TestGoldenPerplexity sweeps the real model over 20 chunks of WikiText-2, which takes minutes, and with
// CARAT_SMOLLM2_NOISE1 (the folder that make_checkpoint.py --noise 1 makes) all types with and without importance
// weights, which takes most of an hour. CARAT_SMOLLM2_NOISE1_REPORT is the report of such a sweep instead.
func TestGoldenPerplexity(t *testing.T) {
	golden, source := os.Getenv("CARAT_GOLDEN"), os.Getenv("CARAT_SMOLLM2")
	if golden == "" || source == "" || os.Getenv("CARAT_LONG") == "" {
		t.Skip("CARAT_GOLDEN, CARAT_SMOLLM2 and CARAT_LONG are not all set")
	}
	carat := func(args ...string) {
		var stdout, stderr bytes.Buffer
		require.Zero(t, run(context.Background(), append([]string{"carat"}, args...), streams{nil, &stdout, &stderr}), stderr.String())
	}
	text := filepath.Join(golden, "corpora", "wikitext-2-raw-test.txt")
	t.Run("exact", func(t *testing.T) {
		tmp := t.TempDir()
		f16, out := filepath.Join(tmp, "f16.gguf"), filepath.Join(tmp, "report.json")
		carat("quantize", source, "--type", "F16", "--allow-requantize", "-o", f16, "--quiet")
		g := readGoldenFigures(t, golden, "exact")
		var types []string
		for _, x := range g.Types {
			types = append(types, x.Type)
		}
		// Without an imatrix all of them are controls, and a sweep needs a candidate.
		carat("sweep", f16, "--types", "F16", "--controls", strings.Join(types, ","), "--text", text, "--chunks", "20", "--report", out, "--quiet")
		r, err := report.Read(out)
		require.NoError(t, err)
		requireFigures(t, g, r)
	})
	t.Run("noise1", func(t *testing.T) {
		out := os.Getenv("CARAT_SMOLLM2_NOISE1_REPORT")
		if noise := os.Getenv("CARAT_SMOLLM2_NOISE1"); out == "" && noise != "" {
			out = filepath.Join(t.TempDir(), "report.json")
			carat("sweep", noise, "--types", noiseTypes, "--controls", "Q8_0,"+noiseTypes, "--imatrix",
				filepath.Join(golden, "golden", "smollm2", "imatrix-noise1.gguf"), "--text", text, "--chunks", "20", "--report", out, "--quiet")
		}
		if out == "" {
			t.Skip("neither CARAT_SMOLLM2_NOISE1 nor CARAT_SMOLLM2_NOISE1_REPORT is set")
		}
		r, err := report.Read(out)
		require.NoError(t, err)
		requireFigures(t, readGoldenFigures(t, golden, "noise1"), r)
	})
}

const noiseTypes = "Q6_K,Q5_K_M,Q5_K_S,Q4_K_M,Q4_K_S,IQ4_NL,IQ4_XS,Q4_0,Q4_1,Q5_0,Q5_1,Q3_K_M,Q2_K"
