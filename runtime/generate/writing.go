package generate

import "errors"

// Writing is a text that is being written: it draws tokens from logits that others compute, and knows when the text ends.
type Writing struct {
	// Tokens are those written so far. The last one is what is to be evaluated next.
	Tokens []int32

	tok     Tokenizer
	opts    Options
	sampler *Sampler
	out     *text
	masked  []float32 // logits behind Options.Constraint
}

// NewWriting begins a text behind prompt. Emit is given the text of new tokens as soon as it is clear: whole characters, which may come in
// several tokens, and nothing of a stop string; neither the token that ends the text, nor a character that the last token leaves unfinished.
func NewWriting(tok Tokenizer, prompt []int32, opts Options, emit func(text []byte) error) (*Writing, error) {
	if len(prompt) == 0 {
		return nil, errors.New("the prompt has no tokens; at least one is needed")
	}
	if opts.MaxTokens < 1 {
		return nil, errors.New("the number of tokens to generate must be at least 1")
	}
	sampler, err := NewSampler(opts.Params)
	if err != nil {
		return nil, err
	}
	sampler.Accept(prompt...)
	return &Writing{tok: tok, opts: opts, sampler: sampler, out: newText(opts.Stop, emit)}, nil
}

// Take draws a token from the logits behind the last one. The reason is empty as long as the text goes on; a token that ends the text by
// itself is drawn, but not among Tokens.
func (w *Writing) Take(logits []float32) (id int32, reason Reason, err error) {
	if c := w.opts.Constraint; c != nil {
		w.masked = append(w.masked[:0], logits...)
		if err := c.Mask(w.masked); err != nil {
			return 0, "", err
		}
		id = w.sampler.Sample(w.masked)
		if err := c.Accept(id); err != nil {
			return id, "", err
		}
	} else {
		id = w.sampler.Sample(logits)
	}
	if w.tok.IsEOG(id) && !w.opts.IgnoreEOG {
		return id, EndOfGeneration, w.out.end()
	}
	w.sampler.Accept(id)
	w.Tokens = append(w.Tokens, id)
	ended, err := w.out.write(w.tok.Piece(id))
	switch {
	case err != nil:
		return id, "", err
	case ended:
		return id, StopString, nil
	case len(w.Tokens) == w.opts.MaxTokens:
		return id, Limit, w.out.end()
	}
	return id, "", nil
}
