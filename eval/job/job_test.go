package job

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/run"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

const vocab = 256

// letters is a tokenizer of bytes; shift makes it another one.
type letters struct{ shift int32 }

func (l letters) Encode(text string, _, _ bool) ([]int32, error) {
	out := make([]int32, len(text))
	for i := range out {
		out[i] = int32(text[i]) ^ l.shift
	}
	return out, nil
}
func (l letters) Piece(id int32) []byte { return []byte{byte(id ^ l.shift)} }
func (letters) BOS() (int32, bool)      { return 0, false }
func (letters) AddBOS() bool            { return false }

// bigram is a model in which the next token depends on the last; noise sets it off from the one without. After so many
// calls it cancels or computes NaN, when these are set.
type bigram struct {
	noise       float32
	calls       int
	cancelAfter int
	cancel      func()
	nanAfter    int
}

func (*bigram) Reset() {}

func (b *bigram) Forward(ids []int32, from int, logits []float32) error {
	if b.calls++; b.cancelAfter > 0 && b.calls > b.cancelAfter {
		b.cancel()
	}
	for i, id := range ids[from:] {
		row := logits[i*vocab : (i+1)*vocab]
		for k := range row {
			row[k] = 3*float32(math.Sin(float64(int(id)*k))) + b.noise*float32(math.Cos(float64(7*k+int(id))))
		}
		if b.nanAfter > 0 && b.calls > b.nanAfter {
			row[0] = float32(math.NaN())
		}
	}
	return nil
}

func modelOf(name string, noise float32) Model {
	return Model{ID: report.Model{Name: name, SHA256: strings.Repeat("a", 62) + name, Bytes: 1000, BitsPerWeight: 4},
		Loaded: run.Candidate{Name: "folder/" + name, Session: &bigram{noise: noise}, Vocab: vocab, Tokenizer: letters{}}}
}

// jobOf compares models b1 (near) and b2 (far) with b0 over two slices.
func jobOf() *Job {
	ref := modelOf("b0", 0)
	fox := strings.Repeat("the quick brown fox jumps over the lazy dog; ", 12)
	return &Job{Command: "test", Reference: &ref, Candidates: []Model{modelOf("b1", 0.1), modelOf("b2", 0.4)},
		Texts: []text.Text{text.NewText("fox", "fox.txt", fox), text.NewText("dog", "dog.txt", strings.ToUpper(fox))}, Options: text.Options{Context: 32}}
}

func TestJob(t *testing.T) {
	j := jobOf()
	available, err := j.Available()
	require.NoError(t, err)
	r, err := j.Run(context.Background())
	require.NoError(t, err)
	require.True(t, r.Complete)
	require.NoError(t, r.Validate())
	require.Equal(t, "b0", r.Reference.Name)
	require.Len(t, r.Data, 2)
	near, far := r.Candidates[0], r.Candidates[1]
	require.Equal(t, available, near.Metrics.Perplexity.Tokens)
	require.Less(t, near.Metrics.Divergence.Mean, far.Metrics.Divergence.Mean)
	require.Len(t, near.Slices, 2)

	_, err = (&Job{Candidates: []Model{modelOf("b1", 0)}, Texts: []text.Text{text.NewText("x", "x.txt", "short")}, Options: text.Options{Context: 32}}).Run(context.Background())
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "x.txt")
}

// TestMoreTokens: a job that is asked for more goes on, and says the same as one that was asked at once; asked for
// less, it says what it said then.
func TestMoreTokens(t *testing.T) {
	at := func(j *Job, tokens int) *report.Report {
		t.Helper()
		j.MaxTokens = tokens
		r, err := j.Run(context.Background())
		require.NoError(t, err)
		return r
	}
	j := jobOf()
	small, large := at(j, 100), at(j, 300)
	require.Less(t, small.Candidates[0].Metrics.Perplexity.Tokens, large.Candidates[0].Metrics.Perplexity.Tokens)
	require.Equal(t, at(jobOf(), 300), large)
	calls := j.Candidates[0].Loaded.Session.(*bigram).calls
	require.Equal(t, small, at(j, 100))
	require.Equal(t, large, at(j, 300))
	require.Equal(t, calls, j.Candidates[0].Loaded.Session.(*bigram).calls, "nothing is measured again")
}

func TestResume(t *testing.T) {
	whole, err := jobOf().Run(context.Background())
	require.NoError(t, err)

	j := jobOf()
	ctx, cancel := context.WithCancel(context.Background())
	j.Candidates[1].Loaded.Session = &bigram{noise: 0.4, cancelAfter: 5, cancel: cancel}
	part, err := j.Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, part.Complete)
	require.NotEmpty(t, part.Candidates[0].Chunks)
	require.Less(t, len(part.Candidates[0].Chunks), len(whole.Candidates[0].Chunks))
	b, err := report.Marshal(part)
	require.NoError(t, err)

	kept, err := report.Parse(b)
	require.NoError(t, err)
	j = jobOf()
	require.NoError(t, j.Resume(kept))
	got, err := j.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, whole, got)

	for name, change := range map[string]func(r *report.Report, j *Job){
		"1 candidates, this run has 2": func(r *report.Report, _ *Job) { r.Candidates = r.Candidates[:1] },
		"candidate b1 has SHA-256":     func(r *report.Report, _ *Job) { r.Candidates[0].SHA256 = strings.Repeat("0", 64) },
		"of other texts":               func(r *report.Report, _ *Job) { r.Data[1].SHA256 = strings.Repeat("0", 64) },
		"another protocol":             func(_ *report.Report, j *Job) { j.Options.Context = 16 },
		"another reference":            func(r *report.Report, _ *Job) { r.Reference.SHA256 = strings.Repeat("0", 64) },
		"predictions came from":        func(r *report.Report, _ *Job) { r.Protocol.Stored = "cache" },
		"chunks of b2":                 func(r *report.Report, _ *Job) { r.Candidates[1].Chunks = r.Candidates[1].Chunks[1:] },
	} {
		r, err := report.Parse(b)
		require.NoError(t, err)
		j := jobOf()
		change(r, j)
		err = j.Resume(r)
		require.ErrorIs(t, err, gguf.ErrInput, name)
		require.ErrorContains(t, err, name)
		require.ErrorContains(t, err, "cannot resume")
	}
}

func TestCandidatesThatCannotBeCompared(t *testing.T) {
	for want, spoil := range map[string]func(m *Model){
		"has 255 tokens in its vocabulary": func(m *Model) { m.Loaded.Vocab = 255 },
		"tokenizes":                        func(m *Model) { m.Loaded.Tokenizer = letters{1} },
		"log-likelihood is NaN":            func(m *Model) { m.Loaded.Session = &bigram{nanAfter: 3} },
	} {
		j := jobOf()
		spoil(&j.Candidates[1])
		_, err := j.Run(context.Background())
		var fault *run.ModelError
		require.ErrorAs(t, err, &fault, want)
		require.Equal(t, 1, fault.Candidate)
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, want)

		j = jobOf()
		j.Tolerant = true
		spoil(&j.Candidates[1])
		r, err := j.Run(context.Background())
		require.NoError(t, err)
		require.Contains(t, r.Candidates[1].Failure, want)
		require.NotContains(t, r.Candidates[1].Failure, "folder/", "reports hold no paths")
		require.Nil(t, r.Candidates[1].Metrics)
		whole, err := jobOf().Run(context.Background())
		require.NoError(t, err)
		require.Equal(t, whole.Candidates[0], r.Candidates[0], "the others are measured to the end")
		require.ErrorContains(t, j.Failures(), "1 of 2 models could not be measured: ")
	}
}

func TestEmpty(t *testing.T) {
	j := jobOf()
	r := j.Empty()
	require.NoError(t, r.Validate())
	require.Empty(t, r.Candidates)
	require.False(t, r.Complete)
	require.Equal(t, "b0", r.Reference.Name)
	require.Equal(t, "dog", r.Data[1].Name)
	require.NotEmpty(t, r.Data[1].SHA256)

	require.Empty(t, (&Job{Command: "test"}).Empty().Candidates)
}

func TestErrorsOfTheReferenceAreNotACandidates(t *testing.T) {
	j := jobOf()
	j.Reference.Loaded.Session = &bigram{nanAfter: 2}
	_, err := j.Run(context.Background())
	var fault *run.ModelError
	require.True(t, errors.As(err, &fault))
	require.Equal(t, -1, fault.Candidate)
}

// alike are tokenizers of letters that know each other.
type alike struct {
	letters
	read *int // how many texts
}

func (a alike) Same(other any) bool { _, ok := other.(alike); return ok }
func (a alike) Encode(text string, bos, special bool) ([]int32, error) {
	*a.read++
	return a.letters.Encode(text, bos, special)
}

func TestSameTokenizersReadTextsOnce(t *testing.T) {
	read := 0
	models := []Model{modelOf("reference", 0), modelOf("a", 0.1), modelOf("b", 0.2)}
	for i := range models {
		models[i].Loaded.Tokenizer = alike{read: &read}
	}
	other := text.NewText("x", "x.txt", strings.Repeat("some text or other. ", 40))
	j := Job{Command: "test", Reference: &models[0], Candidates: models[1:], Texts: []text.Text{other}, Options: text.Options{Context: 32}}
	require.NoError(t, j.prepare())
	require.Equal(t, 1, read)
}
