package eval

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
)

// Tokenizer is what eval needs of runtime/tokenizer.
type Tokenizer interface {
	Encode(text string, addSpecial, parseSpecial bool) ([]int32, error)
	BOS() (id int32, ok bool)
	AddBOS() bool
}

// Session is what eval needs of runtime/model: one sequence with its KV cache.
type Session interface {
	Reset()
	// Forward appends ids and fills logits, (len(ids)-from) x vocab row-major, for ids[from:].
	Forward(ids []int32, from int, logits []float32) error
}

// Options say which part of a text is scored.
type Options struct {
	// Context is the length of a chunk in tokens; 512 when 0.
	Context int
	// Chunks limits the number of chunks; 0 means all.
	Chunks int
	// Stride above 0 scores windows of Context tokens that start every Stride tokens, the last Stride
	// of each. 0 cuts the text into chunks side by side and scores the second half of each.
	Stride int
	// Progress, if not nil, is called after each chunk.
	Progress func(chunk, chunks int, perplexity float64)
}

// window is one chunk: ids of which those at first..len(ids)-2 predict their successors.
type window struct {
	ids   []int32
	first int
}

// windows tokenizes text and cuts it. name is for messages.
func windows(name, text string, tok Tokenizer, o Options) ([]window, error) {
	ctx := o.Context
	if ctx == 0 {
		ctx = 512
	}
	if ctx < 4 {
		return nil, fmt.Errorf("%w: a context of %d tokens is too short to score half of it: at least 4", gguf.ErrInput, ctx)
	}
	if o.Stride < 0 || o.Stride >= ctx {
		return nil, fmt.Errorf("%w: a stride of %d does not fit a context of %d: from 1 to %d", gguf.ErrInput, o.Stride, ctx, ctx-1)
	}
	ids, err := tok.Encode(text, true, false)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(ids) < 2*ctx {
		return nil, fmt.Errorf("%w: %s has %d tokens; at a context of %d at least %d are needed: give more text or a smaller --ctx",
			gguf.ErrInput, name, len(ids), ctx, 2*ctx)
	}
	step, first := ctx, ctx/2
	if o.Stride > 0 {
		step, first = o.Stride, ctx-o.Stride-1
	}
	var out []window
	for start := 0; start+ctx <= len(ids) && (o.Chunks == 0 || len(out) < o.Chunks); start += step {
		w := window{append([]int32(nil), ids[start:start+ctx]...), first}
		if bos, ok := tok.BOS(); ok && tok.AddBOS() {
			w.ids[0] = bos
		}
		out = append(out, w)
	}
	return out, nil
}

// Chunks tokenizes text and cuts it into chunks of o.Context tokens side by side, as the measurements without a
// stride do: the first token of each is the beginning-of-text token when the model adds one. name is for messages.
func Chunks(name, text string, tok Tokenizer, o Options) ([][]int32, error) {
	o.Stride = 0
	ws, err := windows(name, text, tok, o)
	if err != nil {
		return nil, err
	}
	out := make([][]int32, len(ws))
	for i, w := range ws {
		out[i] = w.ids
	}
	return out, nil
}
