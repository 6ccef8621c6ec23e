package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestQualityFollowsBits builds the embedded model in four types. It is a trained model, so fewer bits must be
// seen in perplexity and divergence, in this order. In a part of the text perplexities that are near each other may
// change places; CARAT_LONG takes the whole of it.
func TestQualityFollowsBits(t *testing.T) {
	t.Parallel()
	tiny, text := filepath.Join("..", "..", "testdata", "tiny-llama"), filepath.Join("..", "..", "testdata", "eval.txt")
	var less []string
	long := os.Getenv("CARAT_LONG") != ""
	if !long {
		less = []string{"--chunks", "3", "--ctx", "512"}
	}
	carat := func(args ...string) []byte {
		t.Helper()
		var out, err bytes.Buffer
		require.Zero(t, run(context.Background(), append([]string{"carat"}, args...), streams{out: &out, err: &err}), err.String())
		return out.Bytes()
	}
	perplexity, divergence := 0.0, -1.0
	for _, typ := range []string{"F16", "Q8_0", "Q4_K_M", "Q2_K"} {
		file := filepath.Join(t.TempDir(), typ+".gguf")
		var got struct {
			Eval struct {
				Perplexity, KLD struct{ Value, Mean float64 }
			}
		}
		require.NoError(t, json.Unmarshal(carat(append([]string{"build", tiny, "--type", typ, "--eval", text, "-o", file, "--json"}, less...)...), &got))
		if long || typ == "F16" || typ == "Q2_K" {
			require.Greater(t, got.Eval.Perplexity.Value, perplexity, typ)
		}
		require.Greater(t, got.Eval.KLD.Mean, divergence, typ)
		perplexity, divergence = got.Eval.Perplexity.Value, got.Eval.KLD.Mean
	}
}
