package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/generate"
)

// Session is a sequence of tokens that a model keeps; runtime/model.Session is one.
type Session interface {
	generate.Evaluator
	Truncate(n int)
	Len() int
}

// Conversation talks with a model. What its session knows of a conversation is not evaluated again: only what is new.
type Conversation struct {
	// Messages are all of the conversation, answers among them. They may be changed between answers.
	Messages []Message
	Template *Template
	Options  Options // of rendering; AddGenerationPrompt is set by Answer
	Session  Session
	Room     int // tokens that the session can hold
	Vocab    int // logits of a token
	Tokens   interface {
		Tokenizer
		generate.Tokenizer
	}

	ids    []int32 // what the session holds
	hidden int     // the oldest messages that the model is not shown any more, but for those of the system
}

// Answer is what came of one.
type Answer struct {
	Text    string
	Read    int // tokens of the conversation that were evaluated
	Written int // tokens of the answer
	Reason  generate.Reason
	// Hidden are the oldest messages that the model was not shown, since there is no room for them.
	Hidden int
	// Full says that the answer ended since there was no room for more.
	Full bool
}

// ErrFull is wrapped when a message alone leaves no room for an answer.
var ErrFull = errors.New("there is no room for an answer")

// evaluated is the number of tokens that are evaluated before a conversation looks whether it was cancelled.
const evaluated = 512

// Answer asks content and writes the answer; emit is given its text as it comes. When there is no room for the whole conversation the
// oldest turns are no longer shown to the model, until half of the room is free. An error leaves the conversation as it was; a context that is cancelled
// while the answer is written is none: what was written until then is the answer, with no reason.
func (c *Conversation) Answer(ctx context.Context, content string, opts generate.Options, emit func(text []byte) error) (Answer, error) {
	before := len(c.Messages)
	c.Messages = append(c.Messages, Message{Role: "user", Content: content})
	a, err := c.answer(ctx, opts, emit)
	if err != nil {
		c.Messages = c.Messages[:before]
		return a, err
	}
	c.Messages = append(c.Messages, Message{Role: "assistant", Content: a.Text})
	return a, nil
}

func (c *Conversation) answer(ctx context.Context, opts generate.Options, emit func(text []byte) error) (a Answer, err error) {
	ids, err := c.prompt()
	if err != nil {
		return a, err
	}
	a.Hidden = c.hidden
	room := c.Room - len(ids) + 1 // the last token is not evaluated
	if a.Full = opts.MaxTokens > room; a.Full {
		opts.MaxTokens = room
	}
	same := 0
	for same < min(len(ids)-1, len(c.ids)) && ids[same] == c.ids[same] {
		same++
	}
	c.Session.Truncate(same)
	c.ids = c.ids[:same]
	a.Read = len(ids) - same
	var text strings.Builder
	tokens, reason, err := generate.Run(ctx, &resumed{ctx: ctx, session: c.Session, skip: same}, c.Vocab, c.Tokens, ids, opts, func(piece []byte) error {
		text.Write(piece)
		return emit(piece)
	})
	c.ids = append(ids, tokens...)[:c.Session.Len()]
	a.Text, a.Written, a.Reason = text.String(), len(tokens), reason
	a.Full = a.Full && reason == generate.Limit
	if err != nil && ctx.Err() != nil && len(tokens) > 0 {
		err = nil
	}
	return a, err
}

// prompt are the tokens of the conversation, of as many of its messages as there is room for.
func (c *Conversation) prompt() ([]int32, error) {
	c.hidden = min(c.hidden, len(c.Messages))
	for room := c.Room; ; room = c.Room / 2 {
		ids, err := c.encode()
		if err != nil || len(ids) < room {
			return ids, err
		}
		if !c.hideTurn() {
			if len(ids) < c.Room {
				return ids, nil
			}
			return nil, fmt.Errorf("%w: %w: the message and what belongs to it have %d tokens, and there is room for %d", gguf.ErrInput, ErrFull, len(ids), c.Room)
		}
	}
}

// hideTurn hides the oldest turn, a message of the user with all up to the next one, unless it is the last.
func (c *Conversation) hideTurn() bool {
	for i := c.hidden + 1; i < len(c.Messages); i++ {
		if c.Messages[i].Role == "user" && slices.ContainsFunc(c.Messages[c.hidden:i], func(m Message) bool { return m.Role != "system" }) {
			c.hidden = i
			return true
		}
	}
	return false
}

func (c *Conversation) encode() ([]int32, error) {
	var shown []Message
	for i, m := range c.Messages {
		if i >= c.hidden || m.Role == "system" {
			shown = append(shown, m)
		}
	}
	opts := c.Options
	opts.AddGenerationPrompt = true
	text, err := c.Template.Render(shown, opts)
	if err != nil {
		return nil, err
	}
	return Encode(c.Tokens, text)
}

// Clear forgets all messages but those of the system.
func (c *Conversation) Clear() {
	c.Messages = slices.DeleteFunc(c.Messages, func(m Message) bool { return m.Role != "system" })
	c.hidden = 0
}

// SetSystem puts the system's message in front, or takes it away.
func (c *Conversation) SetSystem(content string) {
	n := len(c.Messages)
	c.Messages = slices.DeleteFunc(c.Messages, func(m Message) bool { return m.Role == "system" })
	c.hidden = max(0, c.hidden-n+len(c.Messages))
	if content != "" {
		c.Messages = slices.Insert(c.Messages, 0, Message{Role: "system", Content: content})
		if c.hidden > 0 {
			c.hidden++
		}
	}
}

// resumed evaluates a prompt on a session that holds its first tokens, some at a time, so that it can be cancelled.
type resumed struct {
	ctx     context.Context
	session Session
	skip    int // of the next tokens
}

func (r *resumed) Forward(ids []int32, from int, logits []float32) error {
	ids, from = ids[r.skip:], from-r.skip
	r.skip = 0
	for len(ids) > evaluated && from >= evaluated {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		if err := r.session.Forward(ids[:evaluated], evaluated, nil); err != nil {
			return err
		}
		ids, from = ids[evaluated:], from-evaluated
	}
	return r.session.Forward(ids, from, logits)
}
