package bench

import (
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// Work is what one token costs on any machine, by the tensors' shapes alone.
type Work struct {
	// Bytes of weights that decoding a token reads: every tensor, of a stacked one the experts that a token uses,
	// and of embeddings one row, unless the embedding is the output matrix, too.
	Bytes int64
	// MultiplyAdds of the matrix products with weights.
	MultiplyAdds int64
}

// WorkOf adds up m's tensors.
func WorkOf(m gguf.Model) Work {
	used := int64(0)
	if n, ok := m.Metadata().Int(m.Metadata().Architecture() + ".expert_used_count"); ok {
		used = n
	}
	tied := true
	for _, t := range m.Tensors() {
		if t.Info().Name == "output.weight" {
			tied = false
		}
	}
	var w Work
	for _, t := range m.Tensors() {
		i := t.Info()
		switch {
		case i.Name == "position_embd.weight", i.Name == "token_embd.weight" && !tied:
			w.Bytes += i.RowBytes()
		case i.Dims() == 1:
			w.Bytes += i.Bytes()
		default:
			bytes, products := i.Bytes(), i.Elements()
			if all := experts(i); all > 0 && used > 0 && used < all {
				bytes, products = bytes/all*used, products/all*used
			}
			w.Bytes += bytes
			w.MultiplyAdds += products
		}
	}
	return w
}

// experts is the number of experts of a stacked tensor, 0 for others.
func experts(i gguf.TensorInfo) int64 {
	if !strings.Contains(i.Name, "_exps.") || len(i.Shape) < 2 {
		return 0
	}
	return i.Shape[len(i.Shape)-1]
}

// MappedBytes is how much of m's weights lies in mapped files as it is.
func MappedBytes(m gguf.Model) int64 {
	var n int64
	for _, t := range m.Tensors() {
		if x, ok := t.(gguf.Mapped); ok {
			n += int64(len(x.Bytes()))
		}
	}
	return n
}
