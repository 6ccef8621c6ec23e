package model

import (
	"fmt"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/mmap"
)

// Check says, from headers and metadata alone, why Load would refuse src: a hyperparameter out of its range, one
// that contradicts the tensors, a tensor that is missing, misshapen or left over, a key that asks for a computation
// which the graph does not have. Errors wrap gguf.ErrInput; those about sound models that this runtime does not
// evaluate wrap gguf.ErrUnsupported, too.
func Check(src gguf.Model) error { return mmap.Guard(func() error { return checkGraph(src, false) }) }

// CheckActivations is Check for Options.Activations.
func CheckActivations(src gguf.Model) error {
	return mmap.Guard(func() error { return checkGraph(src, true) })
}

// checkGraph is Check; with activations, for those who want no predictions.
func checkGraph(src gguf.Model, activations bool) error {
	_, err := graphOf(src, activations)
	return err
}

// graphOf builds the graph of src without weights, and checks it.
func graphOf(src gguf.Model, activations bool) (*graph, error) {
	md := src.Metadata()
	if kind, ok := md.String("general.type"); ok && kind != "model" {
		return nil, fmt.Errorf("%w: general.type is %q, expected a model", gguf.ErrUnsupported, kind)
	}
	if err := gguf.CheckTokenizer(md); err != nil {
		return nil, err
	}
	a, err := find(md.Architecture())
	if err != nil {
		return nil, err
	}
	l := newLoader(src, a.name)
	if l.layersWithTensors() == 0 { // a vocabulary, or a piece of a model
		return nil, fmt.Errorf("%w: no layer has tensors (blk.N.); this is not a whole model", gguf.ErrUnsupported)
	}
	l.headersOnly = true
	g := a.build(l)
	kind := l.pooling()
	l.leftOver(src)
	if l.err == nil && !activations {
		l.predicts(g, kind)
	}
	return g, l.err
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

// pooling reads pooling_type, a number of poolings; 0 when it is missing.
func (l *loader) pooling() int {
	n := l.integerOr("pooling_type", 0)
	if n >= len(poolings) {
		l.fail("metadata %s is %d, expected one of 0 to %d (%s)", l.key("pooling_type"), n, len(poolings)-1, strings.Join(poolings, ", "))
		return 0
	}
	return n
}

// predicts refuses models whose result is a vector or a rank: no next token can be predicted with them.
func (l *loader) predicts(g *graph, pooling int) {
	switch {
	case poolings[pooling] == "rank":
		l.err = hint.Wrap(fmt.Errorf("%w: metadata %s is %d (rank): this is a reranker, which predicts no tokens", gguf.ErrUnsupported, l.key("pooling_type"), pooling),
			"carat rank scores texts with it")
	case pooling > 0:
		l.err = hint.Wrap(fmt.Errorf("%w: metadata %s is %d (%s): this is an embedding model, which predicts no tokens", gguf.ErrUnsupported,
			l.key("pooling_type"), pooling, poolings[pooling]), "carat embed makes vectors with it")
	case g.encoder:
		l.err = hint.Wrap(fmt.Errorf("%w: a %s model is an encoder, which predicts no tokens", gguf.ErrUnsupported, l.arch), "carat embed makes vectors with it")
	}
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
