package task

import (
	"context"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// fuzzTask parses anything, and asks what was parsed.
func fuzzTask(f *testing.F, name string, seeds ...string) {
	t, ok := Lookup(name)
	require.True(f, ok)
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(tt *testing.T, data []byte) {
		items, err := Parse(t, "items", data)
		if err != nil {
			require.ErrorIs(tt, err, gguf.ErrInput)
			return
		}
		require.Positive(tt, items.Len())
		m := fake(func(ids []int32, next int32) float32 { return float32(next % 7) }, nil)
		m.Context = 200
		r, err := Run(context.Background(), t, items, m, nil, Options{Limit: 2, MaxTokens: 4})
		if err != nil {
			require.ErrorIs(tt, err, gguf.ErrInput)
			return
		}
		require.Len(tt, r.Answers, r.Items)
	})
}

func FuzzHellaSwag(f *testing.F) {
	fuzzTask(f, "hellaswag", "x\n0\na\nb\nc\nd\n", "x\r\n3\r\na\r\nb\r\nc\r\nd", "\n0\n\n\n\n\n")
}

func FuzzWinogrande(f *testing.F) {
	fuzzTask(f, "winogrande", "0,\"a, _ b.\",c,d,1\n", "index,sentence,choice1,choice2,answer\n1,_ b,c,cd,2",
		`{"context_options": ["He saw Al", "He saw Bo"], "continuation": "run.", "gold": 1}`)
}

func FuzzMultipleChoice(f *testing.F) {
	fuzzTask(f, "multiple-choice", string(binaryChoices(sky, sky)), `{"query": "q", "choices": ["a", "ab"], "gold": 0}`, "\x01\x00\x00\x00\x08\x00\x00\x00")
}

func FuzzLambada(f *testing.F) {
	fuzzTask(f, "lambada", "the cat sat\n", `{"text": "a b"}`, "\x1f\x8b\x08\x00", "BZh91AY&SY")
}

func FuzzGSM8K(f *testing.F) {
	fuzzTask(f, "gsm8k", `{"question": "q", "answer": "a #### -1,000.50"}`, `{"question": "q", "answer": "####"}`)
}
