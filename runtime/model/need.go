package model

import (
	"fmt"
	"math"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/mmap"
)

// Need is the memory that running a model takes beside its weights, in bytes.
type Need struct {
	Cache int64 // what the layers keep of a sequence: keys and values, or states
	Work  int64 // intermediate results of a batch
}

// NeedOf estimates, from headers and metadata alone, what a sequence of tokens takes with caches of type kv, one of KVTypes. Work is what
// llama.cpp reserves, for a batch of 512 tokens of which all are predicted from; carat takes less. src must pass [Check].
func NeedOf(src gguf.Model, tokens int, kv gguf.Type) (n Need, err error) {
	err = mmap.Guard(func() error {
		g, err := graphOf(src, false)
		if err != nil {
			return err
		}
		cache := g.sessionBytes(tokens, kv)
		vocab, widest := 0.0, 0.0
		for _, t := range src.Tensors() {
			info := t.Info()
			switch {
			case len(info.Shape) < 2:
			case info.Name == "token_embd.weight":
				vocab = float64(info.Shape[1])
			case info.Name != "output.weight":
				widest = max(widest, float64(info.Shape[1]))
			}
		}
		// Gate and up, or the predictions: they are not there at the same time.
		work := 4 * float64(min(batch, tokens)) * (2*float64(g.width) + max(vocab, 2*widest))
		if cache+work > math.MaxInt64/2 {
			return fmt.Errorf("%w: a sequence of %d tokens needs more memory than any machine has", gguf.ErrInput, tokens)
		}
		n = Need{int64(cache), int64(work)}
		return nil
	})
	return n, err
}
