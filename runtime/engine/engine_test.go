package engine

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/kernel"
)

const folder = "../../testdata/checkpoints/llama"

// opening is Options.Source for folders, and counts closing.
func opening(closed *int) func(string) (gguf.Model, error) {
	return func(path string) (gguf.Model, error) {
		m, err := convert.OpenPath(path, convert.Options{})
		return counting{m, closed}, err
	}
}

type counting struct {
	gguf.Model
	closed *int
}

func (c counting) Close() error {
	*c.closed++
	return c.Model.Close()
}

// open opens the folder that tests use.
func open(t *testing.T, opts Options) *Engine {
	t.Helper()
	var closed int
	opts.Source = opening(&closed)
	e, err := Open(folder, opts)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, e.Close())
		require.Equal(t, 1, closed, "Close closes what Open opened")
	})
	return e
}

// answers are the logits of all of ids, each fed alone.
func answers(t *testing.T, e *Engine, ids []int32) []float32 {
	t.Helper()
	s, err := e.NewSession(len(ids))
	require.NoError(t, err)
	out := make([]float32, len(ids)*e.Vocab())
	for i := range ids {
		require.NoError(t, s.Forward(ids[i:i+1], 0, out[i*e.Vocab():]))
	}
	return out
}

func TestOpen(t *testing.T) {
	e := open(t, Options{Threads: 3, Text: true})
	require.Equal(t, 3, e.Threads())
	tok, err := e.Tokenizer()
	require.NoError(t, err)
	ids, err := tok.Encode("some text", true, false)
	require.NoError(t, err)
	require.NotEmpty(t, ids)
	again, err := e.Tokenizer()
	require.NoError(t, err)
	require.Same(t, tok, again)
	n, _ := e.Source().Metadata().Int("llama.context_length")
	require.EqualValues(t, n, e.ContextLength())
	require.NotZero(t, answers(t, e, ids))
}

// TestManySequences: sequences over one engine do not disturb each other, and an engine may use a pool of others.
func TestManySequences(t *testing.T) {
	pool := kernel.NewPool(3)
	defer pool.Close()
	a, b := open(t, Options{Threads: 1}), open(t, Options{Pool: pool})
	var users sync.WaitGroup
	for n := int32(1); n <= 6; n++ {
		ids := []int32{n, 2 * n, n, 3, 1, n}
		want := answers(t, a, ids)
		users.Go(func() { require.Equal(t, want, answers(t, b, ids)) })
	}
	users.Wait()
}

func TestOpenFails(t *testing.T) {
	_, err := Open(filepath.Join(t.TempDir(), "none.gguf"), Options{})
	require.ErrorIs(t, err, os.ErrNotExist)

	var closed int
	_, err = Open(folder, Options{Source: opening(&closed), KVType: gguf.Q4_0})
	require.ErrorContains(t, err, folder)
	require.ErrorContains(t, err, "Q4_0")
	require.Equal(t, 1, closed)

	broken := errors.New("not there")
	_, err = Open("x", Options{Source: func(string) (gguf.Model, error) { return nil, broken }})
	require.Equal(t, broken, err)
}

// TestText: without a tokenizer a model is computed, but for text it is refused before its weights are read.
func TestText(t *testing.T) {
	src, err := convert.OpenPath(folder, convert.Options{})
	require.NoError(t, err)
	defer src.Close()
	src.Metadata().Delete("tokenizer.ggml.model")
	require.NoError(t, Check(src), "it is whole otherwise")
	e, err := Load(src, Options{})
	require.NoError(t, err)
	defer e.Close()
	_, tokErr := e.Tokenizer()
	require.ErrorContains(t, tokErr, "tokenizer.ggml.model")

	_, err = Load(unreadable{src}, Options{Text: true})
	require.Equal(t, tokErr.Error(), err.Error())
	src.Metadata().Set("tokenizer.ggml.model", "abacus")
	require.ErrorContains(t, Check(src), "abacus")
}

// unreadable fails the test when a weight is read.
type unreadable struct{ gguf.Model }

func (u unreadable) Tensors() []gguf.Tensor {
	var out []gguf.Tensor
	for _, t := range u.Model.Tensors() {
		out = append(out, sealed{t})
	}
	return out
}

type sealed struct{ gguf.Tensor }

func (s sealed) ReadRows([]byte, int64, int64) error { panic("read " + s.Info().Name) }
