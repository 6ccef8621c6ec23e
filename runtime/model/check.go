package model

import (
	"fmt"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/mmap"
)

// Check says, from headers and metadata alone, why Load would refuse src: a hyperparameter out of its range, one
// that contradicts the tensors, a tensor that is missing, misshapen or left over, a key that asks for a computation
// which the graph does not have. Errors wrap gguf.ErrInput; those about sound models that this runtime does not
// evaluate wrap gguf.ErrUnsupported, too.
func Check(src gguf.Model) error { return mmap.Guard(func() error { return checkGraph(src) }) }

func checkGraph(src gguf.Model) error {
	md := src.Metadata()
	if kind, ok := md.String("general.type"); ok && kind != "model" {
		return fmt.Errorf("%w: general.type is %q, expected a model", gguf.ErrUnsupported, kind)
	}
	if err := gguf.CheckTokenizer(md); err != nil {
		return err
	}
	a, err := find(md.Architecture())
	if err != nil {
		return err
	}
	l := newLoader(src, a.name)
	if l.layersWithTensors() == 0 { // a vocabulary, or a piece of a model
		return fmt.Errorf("%w: no layer has tensors (blk.N.); this is not a whole model", gguf.ErrUnsupported)
	}
	l.headersOnly = true
	g := a.build(l)
	if l.err == nil && !g.encoder {
		l.embedder()
	}
	l.leftOver(src)
	return l.err
}

// find returns the architecture of that name.
func find(name string) (architecture, error) {
	for _, a := range architectures {
		if a.name == name {
			return a, nil
		}
	}
	if name == "" {
		return architecture{}, fmt.Errorf("%w: general.architecture is missing", gguf.ErrInput)
	}
	return architecture{}, fmt.Errorf("%w: general.architecture is %q; the runtime evaluates %s", gguf.ErrUnsupported, name, architectureNames())
}

// poolings are the names of <arch>.pooling_type by number.
var poolings = []string{"none", "mean", "cls", "last", "rank"}

// embedder refuses models whose result is a vector or a rank: no next token can be predicted with them.
func (l *loader) embedder() {
	n, ok := l.md.Int(l.key("pooling_type"))
	if !ok || n <= 0 || n >= int64(len(poolings)) {
		return // what is no pooling at all is refused by leftOver
	}
	what := "an embedding model"
	if poolings[n] == "rank" {
		what = "a reranker"
	}
	l.err = fmt.Errorf("%w: metadata %s is %d (%s): this is %s, which predicts no tokens", gguf.ErrUnsupported, l.key("pooling_type"), n, poolings[n], what)
}

// leftOver refuses keys and tensors that the architecture did not ask for although they matter: a model with them
// would be computed without them, and nothing would show it.
func (l *loader) leftOver(src gguf.Model) {
	for _, kv := range l.md.All() {
		name, ok := strings.CutPrefix(kv.Key, l.arch+".")
		if !ok || l.asked[name] {
			continue
		}
		if neutral, ok := computedElsewhere[name]; ok && !neutral.holds(kv.Value) {
			l.fail("metadata %s is %v: the runtime does not compute this for %s models", kv.Key, kv.Value, l.arch)
		}
	}
	for _, t := range src.Tensors() {
		if name := t.Info().Name; !l.asked[name] {
			l.fail("unexpected tensor %s: a %s model with this metadata does not use it", name, l.arch)
		}
	}
}
