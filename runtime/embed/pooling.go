package embed

import (
	"fmt"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/suggest"
)

// Pooling is how the vectors of a text's tokens become the text's. The values are those of <arch>.pooling_type.
type Pooling int

const (
	None Pooling = iota // they do not: each token keeps its own
	Mean                // the mean of all
	CLS                 // that of the first token
	Last                // that of the last token
	rank                // a score, of rerankers
)

// Poolings are the names of what there is to choose.
func Poolings() []string { return []string{"none", "mean", "cls", "last"} }

// String is the name.
func (p Pooling) String() string {
	if int(p) < len(Poolings()) {
		return Poolings()[p]
	}
	return fmt.Sprintf("pooling %d", int(p))
}

// ParsePooling returns the pooling of that name.
func ParsePooling(name string) (Pooling, error) {
	i := slices.Index(Poolings(), name)
	if i < 0 {
		return 0, fmt.Errorf("%s", suggest.OneOf("pooling", name, Poolings()))
	}
	return Pooling(i), nil
}

// PoolingOf is what a model's metadata say.
func PoolingOf(md *gguf.Metadata) (Pooling, error) {
	key := md.Architecture() + ".pooling_type"
	v, there := md.Get(key)
	n, ok := md.Int(key)
	switch {
	case !there:
		return 0, hint.Wrap(fmt.Errorf("%w: metadata %s is missing: it is not known how this model makes one vector of those of a text's tokens", gguf.ErrInput, key),
			"give --pooling: mean or cls for most encoders, last for language models trained to embed, none for a vector of each token")
	case ok && n == int64(rank):
		return 0, hint.Wrap(fmt.Errorf("%w: metadata %s is %d (rank): this is a reranker, which scores texts and makes no vectors", gguf.ErrUnsupported, key, n), "carat rank scores texts with it")
	case !ok || n < 0 || n > int64(rank):
		return 0, hint.Wrap(fmt.Errorf("%w: metadata %s is %v; known are 0 (none), 1 (mean), 2 (cls) and 3 (last)", gguf.ErrInput, key, v), "give --pooling")
	}
	return Pooling(n), nil
}
