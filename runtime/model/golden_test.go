package model

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/convert/arch"
)

// expectedLogits is one sequence of an expected.json: the transformers library's float32 results.
type expectedLogits struct {
	IDs           []int32              `json:"ids"`
	Argmax        []int                `json:"argmax"`
	LogSumExp     []float64            `json:"logsumexp"`
	TargetLogprob []float64            `json:"target_logprob"`
	Logits        map[string][]float32 `json:"logits"`
}

const goldenTolerance = 1e-3

func TestGoldenLogits(t *testing.T) {
	root := os.Getenv("CARAT_GOLDEN")
	if root == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	files, err := filepath.Glob(filepath.Join(root, "golden", "arch", "*.expected.json"))
	require.NoError(t, err)
	matched, total := 0, 0
	for _, file := range files {
		dir := strings.TrimSuffix(file, ".expected.json")
		if !named(t, dir) {
			continue
		}
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var expected struct {
			Logits []expectedLogits `json:"logits"`
		}
		require.NoError(t, json.Unmarshal(data, &expected), file)
		total++
		if t.Run(filepath.Base(dir), func(t *testing.T) {
			src, err := convert.Open(dir, convert.Options{OutType: "f32"})
			require.NoError(t, err)
			defer func() { require.NoError(t, src.Close()) }()
			m := load(t, src, 2)
			for _, e := range expected.Logits {
				compare(t, e, all(t, m, e.IDs), m.Vocab())
			}
		}) {
			matched++
		}
	}
	t.Logf("matched %d of %d", matched, total)
	require.NotZero(t, total)
	require.Equal(t, total, matched)
}

// named reports whether a checkpoint's config.json names a class that can be converted: all of them must be evaluated.
// It is not parsed: Python writes numbers that are no JSON (Infinity).
func named(t *testing.T, dir string) bool {
	config, err := os.ReadFile(filepath.Join(dir, "config.json"))
	require.NoError(t, err)
	return slices.ContainsFunc(arch.Classes(), func(class string) bool {
		return strings.Contains(string(config), `"`+class+`"`)
	})
}

// compare checks logits, argmax, logsumexp and the log-probability of the next token, and logs the
// largest distance of a logit.
func compare(t *testing.T, e expectedLogits, logits []float32, vocab int) {
	worst := 0.0
	for i := range e.IDs {
		row := logits[i*vocab : (i+1)*vocab]
		top, sum := 0, 0.0
		for j, v := range row {
			if v > row[top] {
				top = j
			}
			sum += math.Exp(float64(v))
		}
		if top != e.Argmax[i] {
			require.InDelta(t, row[top], row[e.Argmax[i]], goldenTolerance, "position %d: argmax %d, expected %d", i, top, e.Argmax[i])
		}
		lse := math.Log(sum)
		require.InDelta(t, e.LogSumExp[i], lse, goldenTolerance, "position %d: logsumexp", i)
		if i < len(e.TargetLogprob) {
			require.InDelta(t, e.TargetLogprob[i], float64(row[e.IDs[i+1]])-lse, goldenTolerance, "position %d: log-probability", i)
		}
		for j, want := range e.Logits[strconv.Itoa(i)] {
			d := math.Abs(float64(want) - float64(row[j]))
			require.LessOrEqual(t, d, goldenTolerance, "position %d: logit %d: want %g, got %g", i, j, want, row[j])
			worst = max(worst, d)
		}
	}
	t.Logf("largest distance of a logit: %.1e", worst)
}
