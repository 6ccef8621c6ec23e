package chat

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/generate"
)

var plain = generate.Options{Params: generate.Params{TopP: 1}, MaxTokens: 5}

// counted is a session that counts what is evaluated.
type counted struct {
	Session
	tokens int
}

func (c *counted) Forward(ids []int32, from int, logits []float32) error {
	c.tokens += len(ids)
	return c.Session.Forward(ids, from, logits)
}

func talk(t *testing.T, room int) (*Conversation, *counted) {
	t.Helper()
	src, err := convert.OpenPath("../../testdata/checkpoints/llama", convert.Options{})
	require.NoError(t, err)
	e, err := engine.Load(src, engine.Options{Threads: 1, Text: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, errors.Join(e.Close(), src.Close())) })
	tok, err := e.Tokenizer()
	require.NoError(t, err)
	tmpl, err := New(metadata("{% for m in messages %}{{ m.role[0] }}:{{ m.content }}\n{% endfor %}{% if add_generation_prompt %}a:{% endif %}"))
	require.NoError(t, err)
	s, err := e.NewSession(room)
	require.NoError(t, err)
	n := &counted{Session: s}
	return &Conversation{Template: tmpl, Session: n, Room: room, Vocab: e.Vocab(), Tokens: tok}, n
}

func nothing([]byte) error { return nil }

// TestConversation: an answer is the one that the whole conversation would have had anew, but only what is new is evaluated.
func TestConversation(t *testing.T) {
	c, n := talk(t, 1000)
	c.SetSystem("Be brief, whatever is asked and whoever asks it.")
	for _, question := range []string{"What is this?", "And that?", strings.Repeat("And all of these things? ", 10)} {
		n.tokens = 0
		var emitted strings.Builder
		a, err := c.Answer(context.Background(), question, plain, func(b []byte) error { emitted.Write(b); return nil })
		require.NoError(t, err)
		require.Equal(t, emitted.String(), a.Text)
		require.Equal(t, a.Read+a.Written-1, n.tokens)
		require.Equal(t, generate.Limit, a.Reason)
		require.False(t, a.Full)

		fresh, _ := talk(t, 1000)
		fresh.Messages = slices.Clone(c.Messages[:len(c.Messages)-2])
		again, err := fresh.Answer(context.Background(), question, plain, nothing)
		require.NoError(t, err)
		require.Equal(t, again.Text, a.Text)
		if len(c.Messages) > 3 {
			require.Less(t, a.Read, again.Read)
		}
	}
	require.Len(t, c.Messages, 7)
	c.SetSystem("")
	require.Len(t, c.Messages, 6)
	c.SetSystem("x")
	c.Clear()
	require.Equal(t, []Message{{Role: "system", Content: "x"}}, c.Messages)
}

// TestFull: the oldest turns make room, and what has none is an error.
func TestFull(t *testing.T) {
	c, _ := talk(t, 100)
	c.SetSystem("sys")
	hidden := 0
	for range 12 {
		a, err := c.Answer(context.Background(), "one two three four", plain, nothing)
		require.NoError(t, err)
		hidden = a.Hidden
	}
	require.Positive(t, hidden)
	require.Len(t, c.Messages, 25, "all are kept")
	require.Equal(t, "user", c.Messages[hidden].Role)

	_, err := c.Answer(context.Background(), strings.Repeat("word ", 200), plain, nothing)
	require.ErrorIs(t, err, ErrFull)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.Len(t, c.Messages, 25, "as it was")

	more := plain
	more.IgnoreEOG = true
	more.MaxTokens = 1000
	a, err := c.Answer(context.Background(), "go on", more, nothing)
	require.NoError(t, err)
	if a.Reason == generate.Limit {
		require.True(t, a.Full)
	}
}

// TestStopped: an answer that is stopped is kept as far as it came, and the conversation goes on.
func TestStopped(t *testing.T) {
	c, _ := talk(t, 1000)
	ctx, cancel := context.WithCancel(context.Background())
	more := plain
	more.IgnoreEOG = true
	more.MaxTokens = 200
	written := 0
	a, err := c.Answer(ctx, "hello", more, func([]byte) error {
		if written++; written == 3 {
			cancel()
		}
		return nil
	})
	require.NoError(t, err)
	require.Empty(t, a.Reason)
	require.Less(t, a.Written, 200)
	require.Len(t, c.Messages, 2)
	_, err = c.Answer(ctx, "hello", more, nothing)
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, c.Messages, 2)
	_, err = c.Answer(context.Background(), "hello", plain, nothing)
	require.NoError(t, err)

	broken := errors.New("broken")
	_, err = c.Answer(context.Background(), "hello", more, func([]byte) error { return broken })
	require.ErrorIs(t, err, broken)
	require.Len(t, c.Messages, 4)
}
