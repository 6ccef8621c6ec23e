package job

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/run"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// eight is a tokenizer of 8 letters.
type eight struct{}

func (eight) Encode(text string, _, _ bool) (ids []int32, _ error) {
	for _, r := range text {
		ids = append(ids, (r-'a')&7)
	}
	return ids, nil
}
func (eight) Piece(int32) []byte { return []byte{'x'} }
func (eight) BOS() (int32, bool) { return 7, true }
func (eight) AddBOS() bool       { return true }

// breaking predicts by a scale of its own, and NaN from the call on that is the good'th.
type breaking struct {
	scale float32
	good  int
}

func (s *breaking) Reset() {}
func (s *breaking) Forward(ids []int32, from int, logits []float32) error {
	s.good--
	for i := range logits {
		logits[i] = s.scale * float32((i*5+int(ids[from+i/8]))%8)
		if s.good < 0 {
			logits[i] = float32(math.NaN())
		}
	}
	return nil
}

func model(name string, scale float32, good int) Model {
	return Model{ID: report.Model{Name: name}, Loaded: run.Candidate{Name: "/where/" + name, Session: &breaking{scale, good}, Vocab: 8, Tokenizer: eight{}}}
}

func job(c ...Model) *Job {
	ref := model("ref", 0.5, 1<<20)
	return &Job{Command: "compare", Reference: &ref, Candidates: c, Options: text.Options{Context: 16},
		Texts: []text.Text{text.NewText("t", "t.txt", strings.Repeat("abcdefghhgfedcba", 8))}}
}

// TestTolerantJobsGoOn without the candidate that breaks in the middle; the others have the figures that they have
// without it.
func TestTolerantJobsGoOn(t *testing.T) {
	alone, err := job(model("a", 0.4, 1<<20), model("c", 0.3, 1<<20)).Run(context.Background())
	require.NoError(t, err)

	j := job(model("a", 0.4, 1<<20), model("b", 0.2, 7), model("c", 0.3, 1<<20))
	j.Tolerant = true
	var seen []int
	j.Progress = func(chunk, chunks int, s []*figure.Series) {
		require.Len(t, s, 3)
		require.Equal(t, chunk > 3, s[1] == nil, "chunk %d", chunk)
		seen = append(seen, chunk)
	}
	r, err := j.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, []int{1, 2, 3, 4, 5, 6, 7, 8}, seen)
	require.True(t, r.Complete)
	require.Equal(t, alone.Candidates[0], r.Candidates[0])
	require.Equal(t, alone.Candidates[1], r.Candidates[2])
	require.Nil(t, r.Candidates[1].Metrics)
	require.Contains(t, r.Candidates[1].Failure, "b: the log-likelihood is NaN in chunk 4")
	require.NotContains(t, r.Candidates[1].Failure, "/where", "reports hold no paths")
	require.NoError(t, r.Validate())
	err = j.Failures()
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "1 of 3 models could not be measured: ")

	Compare(r)
	for _, c := range r.Comparisons {
		require.NotContains(t, []string{c.A, c.B}, "b")
	}
}

func TestOtherJobsEnd(t *testing.T) {
	j := job(model("a", 0.4, 1<<20), model("b", 0.2, 7))
	r, err := j.Run(context.Background())
	var fault *run.ModelError
	require.ErrorAs(t, err, &fault)
	require.Equal(t, 1, fault.Candidate)
	require.False(t, r.Complete)
	require.Len(t, r.Candidates[0].Chunks, 3)
	require.NoError(t, j.Failures())
}

func TestNothingIsLeft(t *testing.T) {
	j := job(model("a", 0.4, 5), model("b", 0.2, 7))
	j.Tolerant = true
	r, err := j.Run(context.Background())
	require.Nil(t, r)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "2 of 2 models")

	j = job(model("a", 0.4, 1<<20))
	j.Reference.Loaded.Session = &breaking{0.5, 3}
	j.Tolerant = true
	_, err = j.Run(context.Background())
	require.ErrorContains(t, err, "the reference", "which no candidate can be compared without")
}

func TestStopped(t *testing.T) {
	j := job(model("a", 0.4, 1<<20))
	r, err := j.Run(context.Background())
	require.NoError(t, err)
	require.Empty(t, j.Stopped())
	require.Empty(t, r.Protocol.Stopped)
	j = job(model("a", 0.4, 1<<20))
	j.MaxTokens, j.UntilWidth = 10, 0.01
	r, err = j.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, "max-tokens", j.Stopped())
	require.Equal(t, "max-tokens", r.Protocol.Stopped)
	require.Equal(t, 0.01, r.Protocol.UntilWidth)
}
