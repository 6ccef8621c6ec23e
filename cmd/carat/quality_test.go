package main

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestQualityFollowsBits builds the embedded model in four types. It is a trained model, so fewer bits must be
// seen in perplexity and divergence, in this order.
func TestQualityFollowsBits(t *testing.T) {
	tiny, text := filepath.Join("..", "..", "testdata", "tiny-llama"), filepath.Join("..", "..", "testdata", "eval.txt")
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
		require.NoError(t, json.Unmarshal(carat("build", tiny, "--type", typ, "--eval", text, "-o", file, "--json"), &got))
		require.Greater(t, got.Eval.Perplexity.Value, perplexity, typ)
		require.Greater(t, got.Eval.KLD.Mean, divergence, typ)
		perplexity, divergence = got.Eval.Perplexity.Value, got.Eval.KLD.Mean
	}
}
