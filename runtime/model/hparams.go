package model

import (
	"fmt"
	"math"

	"github.com/carat-llm/carat/runtime/kernel"
)

// hparams are the hyperparameters that all architectures share.
type hparams struct {
	layers, context, width, hidden int
	heads, kvHeads, dim            int
	// experts is 0 in dense models. Each token uses usedExperts of them, of expertHidden inner activations.
	experts, usedExperts, expertHidden int
}

// hparams reads <arch>.block_count and its like.
func (l *loader) hparams() hparams {
	h := hparams{
		layers: l.count("block_count"), context: l.count("context_length"),
		width: l.count("embedding_length"), hidden: l.count("feed_forward_length"),
		heads: l.count("attention.head_count"),
	}
	h.kvHeads = l.countOr("attention.head_count_kv", h.heads)
	if h.heads%h.kvHeads != 0 {
		l.fail("metadata: %d attention heads are no multiple of %d key-value heads", h.heads, h.kvHeads)
	}
	if _, ok := l.md.Get(l.key("attention.key_length")); !ok && h.width%h.heads != 0 {
		l.fail("metadata: embedding_length %d is no multiple of %d attention heads, and there is no %s", h.width, h.heads, l.key("attention.key_length"))
	}
	h.dim = l.countOr("attention.key_length", max(1, h.width/h.heads))
	if v := l.countOr("attention.value_length", h.dim); v != h.dim {
		l.fail("metadata %s is %d and the key length %d; the runtime needs them equal", l.key("attention.value_length"), v, h.dim)
	}
	if n, ok := l.md.Int(l.key("expert_count")); !ok || n != 0 { // 0 is how some dense models say it
		h.experts = l.countOr("expert_count", 0)
	}
	if h.experts > 0 {
		h.usedExperts, h.expertHidden = l.count("expert_used_count"), l.countOr("expert_feed_forward_length", h.hidden)
		if h.usedExperts > h.experts {
			l.fail("metadata %s is %d, there are only %d experts", l.key("expert_used_count"), h.usedExperts, h.experts)
		}
	}
	if h.layers > len(l.tensors) { // also bounds what the blocks allocate
		l.fail("metadata %s is %d, the file has only %d tensors", l.key("block_count"), h.layers, len(l.tensors))
		h.layers = 0
	}
	return h
}

// window reads attention.sliding_window; 0, for no window, when it is missing.
func (l *loader) window() int {
	if n, ok := l.md.Int(l.key("attention.sliding_window")); ok && n == 0 {
		return 0
	}
	return l.countOr("attention.sliding_window", 0)
}

// layerName is the prefix of the tensors of a layer.
func layerName(i int) string { return fmt.Sprintf("blk.%d.", i) }

// rope is a kernel.Rope with a second set of factors for long sequences.
type rope struct {
	kernel.Rope
	long     []float32 // factors of sessions that hold more than original positions; nil: no second set
	original int
}

// table computes the angles of a session of that many positions.
func (r rope) table(positions int) *kernel.RopeTable {
	if r.long != nil && positions > r.original {
		r.Factors = r.long
	}
	return r.Table(positions)
}

// rope reads the rotary embedding: rope.freq_base, dimension_count and scaling, and rope_freqs.weight.
// Without a base it is 10000, the value that the reference converter leaves out.
func (l *loader) rope(h hparams, neox bool) rope {
	r := rope{Rope: kernel.Rope{Dims: l.countOr("rope.dimension_count", h.dim), Neox: neox,
		Base: l.floatOr("rope.freq_base", 10000)}}
	if r.Dims%2 != 0 || r.Dims > h.dim {
		l.fail("metadata %s is %d, expected an even number of at most %d", l.key("rope.dimension_count"), r.Dims, h.dim)
		r.Dims = 0
	}
	if !(r.Base > 1) || math.IsInf(r.Base, 0) {
		l.fail("metadata %s is %g, expected more than 1", l.key("rope.freq_base"), r.Base)
	}
	r.Factors = l.vectorIf("rope_freqs.weight", r.Dims/2)
	r.Magnitude = l.floatOr("rope.scaling.attn_factor", 1)
	kind, _ := l.md.String(l.key("rope.scaling.type"))
	switch kind {
	case "", "none", "longrope":
	case "linear", "yarn":
		factor := l.float("rope.scaling.factor")
		if !(factor > 0) {
			l.fail("metadata %s is %g, expected more than 0", l.key("rope.scaling.factor"), factor)
			return r
		}
		r.Scale = 1 / factor
		if kind == "yarn" {
			r.Yarn = &kernel.Yarn{OriginalContext: l.countOr("rope.scaling.original_context_length", h.context),
				BetaFast: l.floatOr("rope.scaling.yarn_beta_fast", 32), BetaSlow: l.floatOr("rope.scaling.yarn_beta_slow", 1)}
			r.Magnitude *= 1 + 0.1*math.Log(factor)
		}
	default:
		l.fail("metadata %s is %q, the runtime knows none, linear, yarn and longrope", l.key("rope.scaling.type"), kind)
	}
	return r
}
