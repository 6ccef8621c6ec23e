package main

import (
	"context"
	"errors"

	"github.com/carat-llm/carat/eval/parity"
)

// findLlama finds llama.cpp's program when the policy has a gate on it. When it is missing, that gate says so.
func (x *gating) findLlama(ctx context.Context) error {
	if !x.policy.Needs().Parity {
		return nil
	}
	var err error
	if x.Llama, err = parity.Find(ctx, x.policy.Target.LlamaCPP); err != nil {
		x.NoLlama = err.Error()
	}
	return ctx.Err()
}

// inLlama asks llama.cpp what the candidate predicts for the first text; nil when the policy does not look at it.
func (x *gating) inLlama(ctx context.Context) (*parity.Answer, error) {
	if x.NoLlama != "" {
		return parity.None(errors.New(x.NoLlama)), nil
	}
	if x.Llama == nil {
		return nil, nil
	}
	b := newCounter(x.s.err, x.g, "llama.cpp")
	defer b.finish()
	corpus := x.job.Corpus
	in := parity.Input{
		Model: x.candidate, Text: corpus.Texts[0].Data, Tokens: corpus.Tokens[0], Context: corpus.Options.Context,
		Chunks: min(parity.Chunks, corpus.Chunks[0]), Threads: x.g.threads,
	}
	b.update(0, int64(in.Chunks))
	return x.Llama.Measure(ctx, in)
}
