// Package generate writes text with a model: it evaluates a prompt, draws a token, evaluates that, and
// so on until the model ends, a stop string comes, the limit is reached or the context is cancelled.
//
// The package knows models and tokenizers by the small interfaces below; runtime/model.Session and
// runtime/tokenizer.Tokenizer satisfy them. The same prompt, parameters and seed give the same tokens.
//
// [Run] does all of it for one text. A [Writing] is the same without the model, for those who evaluate several texts together.
package generate

import "context"

// Evaluator appends tokens to a sequence and computes the logits of the last ones: logits receives the
// rows of ids[from:].
type Evaluator interface {
	Forward(ids []int32, from int, logits []float32) error
}

// Tokenizer turns tokens into bytes and knows which end a generation.
type Tokenizer interface {
	Piece(id int32) []byte
	IsEOG(id int32) bool
}

// Constraint holds a text to a form; runtime/grammar has one.
type Constraint interface {
	// Mask sets the logits of tokens that may not come next to negative infinity.
	Mask(logits []float32) error
	// Accept notes the token that came next.
	Accept(id int32) error
}

// Reason says why a generation ended.
type Reason string

// The reasons.
const (
	EndOfGeneration Reason = "stop"        // the model drew a token that ends
	StopString      Reason = "stop-string" // the text has one of Options.Stop
	Limit           Reason = "length"      // the limit of tokens was reached
)

// Options of Run, and of a Writing.
type Options struct {
	Params
	// MaxTokens is the largest number of tokens to write, at least 1. The sequence must have room for
	// the prompt and MaxTokens-1 more.
	MaxTokens int
	// IgnoreEOG goes on after tokens that end (for measurements).
	IgnoreEOG bool
	// Constraint, when not nil, says which tokens may come next. It is of this text alone.
	Constraint Constraint
	// Stop are strings that end the text. They are no part of it.
	Stop []string
}

// Run evaluates the prompt on seq, whose vocabulary has vocab tokens, and hands the text of new tokens to emit; see Writing. It
// returns the tokens written, those of a stop string among them; on an error those written until then.
func Run(ctx context.Context, seq Evaluator, vocab int, tok Tokenizer, prompt []int32, opts Options, emit func(text []byte) error) ([]int32, Reason, error) {
	w, err := NewWriting(tok, prompt, opts, emit)
	if err != nil {
		return nil, "", err
	}
	logits := make([]float32, vocab)
	for next := prompt; ; next = w.Tokens[len(w.Tokens)-1:] {
		if err := ctx.Err(); err != nil {
			return w.Tokens, "", err
		}
		if err := seq.Forward(next, len(next)-1, logits); err != nil {
			return w.Tokens, "", err
		}
		if _, reason, err := w.Take(logits); reason != "" || err != nil {
			return w.Tokens, reason, err
		}
	}
}
