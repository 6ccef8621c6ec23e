// Package generate writes text with a model: it evaluates a prompt, draws a token, evaluates that, and
// so on until the model ends, a stop string comes, the limit is reached or the context is cancelled.
//
// The package knows models and tokenizers by the small interfaces below; runtime/model.Session and
// runtime/tokenizer.Tokenizer satisfy them. The same prompt, parameters and seed give the same tokens.
package generate

import (
	"context"
	"errors"
)

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

// Reason says why a generation ended.
type Reason string

// The reasons.
const (
	EndOfGeneration Reason = "stop"        // the model drew a token that ends
	StopString      Reason = "stop-string" // the text has one of Options.Stop
	Limit           Reason = "length"      // the limit of tokens was reached
)

// Options of Run.
type Options struct {
	Params
	// MaxTokens is the largest number of tokens to write, at least 1. The sequence must have room for
	// the prompt and MaxTokens-1 more.
	MaxTokens int
	// IgnoreEOG goes on after tokens that end (for measurements).
	IgnoreEOG bool
	// Stop are strings that end the text. They are no part of it.
	Stop []string
}

// Run evaluates the prompt on seq, whose vocabulary has vocab tokens, and hands the text of new tokens to emit as soon as it is clear:
// whole characters, which may come in several tokens, and nothing of a stop string. The token that ends the generation is not
// emitted, nor a character that the last token leaves unfinished. It returns the tokens written, those of a stop string among them;
// on an error those written until then.
func Run(ctx context.Context, seq Evaluator, vocab int, tok Tokenizer, prompt []int32, opts Options, emit func(text []byte) error) ([]int32, Reason, error) {
	if len(prompt) == 0 {
		return nil, "", errors.New("the prompt has no tokens; at least one is needed")
	}
	if opts.MaxTokens < 1 {
		return nil, "", errors.New("the number of tokens to generate must be at least 1")
	}
	sampler, err := NewSampler(opts.Params)
	if err != nil {
		return nil, "", err
	}
	sampler.Accept(prompt...)
	out := newText(opts.Stop, emit)
	logits := make([]float32, vocab)
	var written []int32
	next := prompt
	for {
		if err := ctx.Err(); err != nil {
			return written, "", err
		}
		if err := seq.Forward(next, len(next)-1, logits); err != nil {
			return written, "", err
		}
		id := sampler.Sample(logits)
		if tok.IsEOG(id) && !opts.IgnoreEOG {
			return written, EndOfGeneration, out.end()
		}
		sampler.Accept(id)
		written = append(written, id)
		if ended, err := out.write(tok.Piece(id)); err != nil {
			return written, "", err
		} else if ended {
			return written, StopString, nil
		}
		if len(written) == opts.MaxTokens {
			return written, Limit, out.end()
		}
		next = written[len(written)-1:]
	}
}
