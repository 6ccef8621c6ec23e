package model

import (
	"bytes"
	"encoding/json"
	"errors"
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
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/pyjson"
)

// expectedLogits is one sequence of an expected.json: the transformers library's float32 results.
type expectedLogits struct {
	IDs           []int32              `json:"ids"`
	Argmax        []int                `json:"argmax"`
	LogSumExp     []float64            `json:"logsumexp"`
	TargetLogprob []float64            `json:"target_logprob"`
	Logits        map[string][]float32 `json:"logits"`
	Embeddings    map[string][]float32 `json:"embeddings"` // of encoders, which have no logits
}

const goldenTolerance = 1e-3

// exceptions are checkpoints of which the reference converter, whose bytes the converted file must have, writes another model
// than they are: how far the logits may be then, and why. scripts/breadth prints the reasons.
var exceptions = map[string]struct {
	tolerance float64
	why       string
}{
	"apertus":              {5e-3, "the expected logits are as far from transformers 5.24, which carat is 3e-6 away from"},
	"glm":                  {5e-3, "the reference writes attention.layer_norm_rms_epsilon 1e-5 for rms_norm_eps 1.6e-7; with that, 7e-6"},
	"bamba":                {math.Inf(1), "the reference's file has heads rotated as a whole, and matrices arranged for that, but half of each is; with that, 7e-6"},
	"granite-hybrid-dense": {math.Inf(1), "the reference's file has nothing rotated, but position_embedding_type is rope; with that, 8e-6"},
	"afmoe":                {goldenTolerance, "mup_enabled is false, which files do not say and no published model has; computed with that"},
}

// readExpected returns the logits of an expected.json.
func readExpected(t *testing.T, file string) []expectedLogits {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	data = bytes.ReplaceAll(data, []byte("-Infinity"), []byte("null")) // as Python writes it, among the metadata
	var expected struct {
		Logits []expectedLogits `json:"logits"`
	}
	require.NoError(t, json.Unmarshal(data, &expected), file)
	require.NotEmpty(t, expected.Logits, file)
	return expected.Logits
}

// requireLogits converts the checkpoint in dir, loads it and compares all logits.
func requireLogits(t *testing.T, dir string, o convert.Options, expected []expectedLogits) {
	t.Helper()
	src, err := convert.Open(dir, o)
	require.NoError(t, err)
	defer func() { require.NoError(t, src.Close()) }()
	requireLogitsOf(t, src, expected, goldenTolerance)
}

// requireLogitsOf loads a model and compares all logits.
func requireLogitsOf(t *testing.T, src gguf.Model, expected []expectedLogits, tolerance float64) {
	t.Helper()
	m := load(t, src, 2)
	if m.graph.scale != 0 && strings.HasSuffix(t.Name(), "/afmoe") {
		m.graph.scale = 0 // mup_enabled is false, which files do not say and no published model has
	}
	for _, e := range expected {
		if e.Embeddings != nil {
			compareHidden(t, e, m, tolerance)
			continue
		}
		if m.Encodes() { // the first 16 tokens are the encoder's
			s := session(t, m, len(e.IDs))
			require.NoError(t, s.Encode(e.IDs[:16]))
			e.IDs = e.IDs[16:]
			logits := make([]float32, len(e.IDs)*m.Vocab())
			require.NoError(t, s.Forward(e.IDs, 0, logits))
			compare(t, e, logits, m.Vocab(), tolerance)
			continue
		}
		compare(t, e, all(t, m, e.IDs), m.Vocab(), tolerance)
	}
}

// openGolden opens a checkpoint of golden/arch as a model in F32: converted, or when carat does not know its class the file
// NAME.gguf of the folder CARAT_GGUF, as the reference converter writes it. nil when there is neither, or when the runtime
// does not know the architecture.
func openGolden(t *testing.T, dir string) gguf.Model {
	t.Helper()
	var src gguf.Model
	file := filepath.Join(os.Getenv("CARAT_GGUF"), filepath.Base(dir)+".gguf")
	if registered(t, dir) {
		opened, err := convert.Open(dir, convert.Options{OutType: "f32"})
		require.NoError(t, err)
		src = opened
	} else if os.Getenv("CARAT_GGUF") != "" {
		opened, err := gguf.Open(file)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		require.NoError(t, err)
		src = opened
	} else {
		return nil
	}
	if !slices.Contains(Architectures(), src.Metadata().Architecture()) {
		require.NoError(t, src.Close())
		return nil
	}
	t.Cleanup(func() { require.NoError(t, src.Close()) })
	md := src.Metadata().Clone() // some checkpoints have vocabularies that do not fit them, which does not matter here
	for _, kv := range src.Metadata().All() {
		if strings.HasPrefix(kv.Key, "tokenizer.") {
			md.Delete(kv.Key)
		}
	}
	return withMetadata{src, md}
}

// withMetadata is a model with other metadata.
type withMetadata struct {
	gguf.Model
	md *gguf.Metadata
}

func (m withMetadata) Metadata() *gguf.Metadata { return m.md }

// registered reports whether convert has the class that a checkpoint's config.json names.
func registered(t *testing.T, dir string) bool {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	require.NoError(t, err)
	config, err := pyjson.Object(data)
	require.NoError(t, err, dir)
	return slices.Contains(arch.Classes(), config["architectures"].([]any)[0].(string))
}

// TestGoldenLogits evaluates every checkpoint of golden/arch that can be had as a model (see openGolden) of an architecture that
// the runtime has.
func TestGoldenLogits(t *testing.T) {
	root := os.Getenv("CARAT_GOLDEN")
	if root == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	files, err := filepath.Glob(filepath.Join(root, "golden", "arch", "*.expected.json"))
	require.NoError(t, err)
	matched, total, left := 0, 0, []string{}
	for _, file := range files {
		dir := strings.TrimSuffix(file, ".expected.json")
		src := openGolden(t, dir)
		if src == nil {
			left = append(left, filepath.Base(dir))
			continue
		}
		total++
		if t.Run(filepath.Base(dir), func(t *testing.T) {
			e := exceptions[filepath.Base(dir)]
			if e.why != "" {
				t.Logf("exception: %s", e.why)
			}
			requireLogitsOf(t, src, readExpected(t, file), max(goldenTolerance, e.tolerance))
		}) {
			matched++
		}
	}
	t.Logf("matched %d of %d; left out: %v", matched, total, left)
	require.NotZero(t, total)
	require.Equal(t, total, matched)
}

// TestGoldenVariantLogits evaluates the checkpoints of golden/config. Those that the reference converts to the
// hyperparameters of their base must have its logits; the others must load.
func TestGoldenVariantLogits(t *testing.T) {
	root := os.Getenv("CARAT_GOLDEN")
	if root == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	cases, err := filepath.Glob(filepath.Join(root, "golden", "config", "*", "case.json"))
	require.NoError(t, err)
	matched, total, equal := 0, 0, 0
	for _, file := range cases {
		var c struct {
			Base, OutType, Pre string
			Delete             []string
			Unlike             map[string]any `json:"metadata_unlike_base"`
		}
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &c))
		base := filepath.Join(root, "golden", "arch", c.Base)
		if !registered(t, base) {
			continue
		}
		total++
		if t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), c.Base)
			require.NoError(t, os.CopyFS(dir, os.DirFS(base)))
			for _, name := range c.Delete {
				require.NoError(t, os.Remove(filepath.Join(dir, name)))
			}
			replaced, err := filepath.Glob(filepath.Join(filepath.Dir(file), "*"))
			require.NoError(t, err)
			for _, f := range replaced {
				require.NoError(t, os.RemoveAll(filepath.Join(dir, filepath.Base(f))))
			}
			require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Dir(file))))
			o := convert.Options{OutType: c.OutType, Pre: c.Pre}
			for key := range c.Unlike {
				if !strings.HasPrefix(key, "general.") && !strings.HasPrefix(key, "tokenizer.") {
					src, err := convert.Open(dir, o)
					require.NoError(t, err)
					defer func() { require.NoError(t, src.Close()) }()
					if _, pooled := c.Unlike["qwen3.pooling_type"]; pooled {
						require.ErrorContains(t, Check(src), "this is an embedding model")
						return
					}
					require.NoError(t, Check(src))
					return
				}
			}
			o.OutType = "f32" // whatever the case is about, its weights are those of the base
			requireLogits(t, dir, o, readExpected(t, base+".expected.json"))
			equal++
		}) {
			matched++
		}
	}
	t.Logf("matched %d of %d, %d of them by their logits", matched, total, equal)
	require.NotZero(t, total)
	require.Equal(t, total, matched)
}

// compare checks logits, argmax, logsumexp and the log-probability of the next token, and logs the
// largest distance of a logit.
func compare(t *testing.T, e expectedLogits, logits []float32, vocab int, tolerance float64) {
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
			require.InDelta(t, row[top], row[e.Argmax[i]], tolerance, "position %d: argmax %d, expected %d", i, top, e.Argmax[i])
		}
		lse := math.Log(sum)
		require.InDelta(t, e.LogSumExp[i], lse, tolerance, "position %d: logsumexp", i)
		if i < len(e.TargetLogprob) {
			require.InDelta(t, e.TargetLogprob[i], float64(row[e.IDs[i+1]])-lse, tolerance, "position %d: log-probability", i)
		}
		for j, want := range e.Logits[strconv.Itoa(i)] {
			d := math.Abs(float64(want) - float64(row[j]))
			require.LessOrEqual(t, d, tolerance, "position %d: logit %d: want %g, got %g", i, j, want, row[j])
			worst = max(worst, d)
		}
	}
	t.Logf("largest distance of a logit: %.1e", worst)
}

// compareHidden checks the activations of an encoder.
func compareHidden(t *testing.T, e expectedLogits, m *Model, tolerance float64) {
	t.Helper()
	s, width, worst := session(t, m, len(e.IDs)), m.Width(), 0.0
	hidden := make([]float32, len(e.IDs)*width)
	require.NoError(t, s.Evaluate(e.IDs, Outputs{Hidden: hidden}))
	for position, want := range e.Embeddings {
		i, err := strconv.Atoi(position)
		require.NoError(t, err)
		require.Len(t, want, width)
		for j, v := range want {
			d := math.Abs(float64(v) - float64(hidden[i*width+j]))
			require.LessOrEqual(t, d, tolerance, "position %d: element %d: want %g, got %g", i, j, v, hidden[i*width+j])
			worst = max(worst, d)
		}
	}
	t.Logf("largest distance of an element: %.1e", worst)
}
