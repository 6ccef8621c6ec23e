package task

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/runtime/model"
	"github.com/carat-llm/carat/runtime/tokenizer"
)

// TestGoldenLlamaPerplexity asks SmolLM2-135M-Instruct in F32 the items that llama-perplexity draws first, and compares
// answer by answer. testdata/llama-perplexity.json holds its answers, from the accuracies that it prints after each
// item, on the file of `carat convert --outtype f32` with -ctk f32 -ctv f32 -fa off; Winogrande as a CSV of the same
// sentences, ARC as binary files of the same questions.
func TestGoldenLlamaPerplexity(t *testing.T) {
	root, dir := os.Getenv("CARAT_GOLDEN"), os.Getenv("CARAT_SMOLLM2_DIR")
	if root == "" || dir == "" {
		t.Skip("CARAT_GOLDEN and CARAT_SMOLLM2_DIR are not both set")
	}
	raw, err := os.ReadFile(filepath.Join("testdata", "llama-perplexity.json"))
	require.NoError(t, err)
	var expected []struct{ Task, Data, Answers string }
	require.NoError(t, json.Unmarshal(raw, &expected))
	m := openSmol(t, dir)
	const limit = 20
	matched, total := 0, 0
	for _, e := range expected {
		task, ok := Lookup(e.Task)
		require.True(t, ok, e.Task)
		items, err := Read(task, filepath.Join(root, "corpora", e.Data))
		require.NoError(t, err)
		r, err := Run(context.Background(), task, items, m, nil, Options{Limit: limit})
		require.NoError(t, err)
		same := 0
		for i := range r.Answers {
			if r.Answers[i] == e.Answers[i] {
				same++
			}
		}
		t.Logf("%s: %d of %d answers as llama-perplexity's, %d right", e.Task, same, limit, r.Score.Correct)
		require.GreaterOrEqual(t, same, limit-1, "%s: got %s, expected %s", e.Task, r.Answers, e.Answers[:limit])
		matched, total = matched+same, total+limit
	}
	t.Logf("matched %d of %d", matched, total)
	require.NotZero(t, total)
}

func openSmol(t *testing.T, dir string) Model {
	t.Helper()
	src, err := convert.Open(dir, convert.Options{OutType: "f32"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, src.Close()) })
	tok, err := tokenizer.New(src.Metadata())
	require.NoError(t, err)
	m, err := model.Load(src, model.Options{})
	require.NoError(t, err)
	return Model{NewSession: func(n int) (Session, error) { return m.NewSession(n) }, Vocab: m.Vocab(), Context: m.ContextLength(), Tokenizer: tok}
}
