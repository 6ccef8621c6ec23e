package model

import (
	"fmt"
	"math"
	"strings"
)

// hparams are the hyperparameters that all architectures share.
type hparams struct {
	layers, context, width int
	sizes                          // of the first layer; see layer
	each                   []sizes // of each layer
	dim, valueDim          int     // elements of a head's key, and of its value
	// experts is 0 in dense models. Each token uses usedExperts of them, of expertHidden inner activations.
	experts, usedExperts, expertHidden int
	normalised                         bool // the weights of a token's experts sum to 1
}

// sizes are the hyperparameters that may differ from layer to layer.
type sizes struct{ hidden, heads, kvHeads int }

// layer is h with the sizes of layer i.
func (h hparams) layer(i int) hparams {
	h.sizes = h.each[i]
	return h
}

// hparams reads <arch>.block_count and its like.
func (l *loader) hparams() hparams {
	h := hparams{layers: l.count("block_count"), context: l.count("context_length"), width: l.count("embedding_length")}
	if n := l.layersWithTensors(); n != h.layers { // also bounds what the blocks allocate
		l.fail("metadata %s is %d, but %d layers have tensors", l.key("block_count"), h.layers, n)
		h.layers = 0
	}
	hidden, heads := l.perLayer("feed_forward_length", h.layers), l.perLayer("attention.head_count", h.layers)
	kvHeads := heads
	if l.given("attention.head_count_kv") {
		kvHeads = l.perLayer("attention.head_count_kv", h.layers)
	}
	h.sizes = sizes{1, 1, 1}
	for i := range h.layers {
		h.each = append(h.each, sizes{hidden[i], heads[i], kvHeads[i]})
		if heads[i]%kvHeads[i] != 0 {
			l.fail("metadata: %d attention heads are not a multiple of %d key-value heads", heads[i], kvHeads[i])
		}
	}
	if h.layers > 0 {
		h.sizes = h.each[0]
	}
	if !l.given("attention.key_length") && h.width%h.heads != 0 {
		l.fail("metadata: embedding_length %d is not a multiple of %d attention heads, and %s is missing", h.width, h.heads, l.key("attention.key_length"))
	}
	h.dim = l.countOr("attention.key_length", max(1, h.width/h.heads))
	h.valueDim = l.countOr("attention.value_length", h.dim)
	return h
}

// perLayer is count for a key that may have a value for each layer.
func (l *loader) perLayer(name string, layers int) []int {
	l.value(name)
	counts, all := make([]int, layers), l.md.Ints(l.key(name))
	if all != nil && len(all) != layers {
		l.fail("metadata %s has %d values, but %s is %d", l.key(name), len(all), l.key("block_count"), layers)
	}
	for i := range counts {
		if counts[i] = 1; l.err != nil {
			continue
		}
		if all == nil {
			counts[i] = l.count(name)
		} else {
			counts[i] = l.positive(name, all[i])
		}
	}
	return counts
}

// withExperts reads what models of experts have beside the hyperparameters of all. Whether the weights of experts are
// normalised follows from the architecture; expert_weights_norm may say it again.
func (l *loader) withExperts(h hparams, normalised bool) hparams {
	h.normalised = normalised
	if v, ok := l.value("expert_weights_norm"); ok && v != normalised {
		l.fail("metadata %s is %v, the runtime computes %s models with %t", l.key("expert_weights_norm"), v, l.arch, normalised)
	}
	h.experts, h.usedExperts = l.count("expert_count"), l.count("expert_used_count")
	h.expertHidden = l.countOr("expert_feed_forward_length", h.hidden)
	if h.usedExperts > h.experts {
		l.fail("metadata %s is %d, but there are only %d experts", l.key("expert_used_count"), h.usedExperts, h.experts)
	}
	return h
}

// window reads attention.sliding_window; 0, for no window, when it is missing.
func (l *loader) window() int {
	v, _ := l.value("attention.sliding_window")
	if n, ok := l.md.Int(l.key("attention.sliding_window")); ok && n == 0 || v == nil {
		return 0
	}
	return l.count("attention.sliding_window")
}

// epsilon reads what a norm adds to the variance.
func (l *loader) epsilon(name string) float32 {
	eps := l.float(name)
	if !(eps > 0 && eps < 1) {
		l.fail("metadata %s is %v, expected a number between 0 and 1", l.key(name), float32(eps))
	}
	return float32(eps)
}

// factor reads a multiplier, which is more than 0; 1 when it is missing.
func (l *loader) factor(name string) float64 {
	f := l.floatOr(name, 1)
	if !(f > 0) || math.IsInf(f, 0) {
		l.fail("metadata %s is %v, expected a number above 0", l.key(name), float32(f))
		return 1
	}
	return f
}

// vocabulary is the number of tokens: the rows of token_embd, with which the metadata must agree.
func (l *loader) vocabulary() int {
	rows := l.rows("token_embd.weight")
	if n := len(l.md.Strings("tokenizer.ggml.tokens")); n > 0 && n != rows {
		l.fail("tensor token_embd.weight has %d rows, but the vocabulary has %d tokens", rows, n)
	}
	if l.given("vocab_size") {
		if n := l.count("vocab_size"); n != rows {
			l.fail("metadata %s is %d, but tensor token_embd.weight has %d rows", l.key("vocab_size"), n, rows)
		}
	}
	return rows
}

// layersWithTensors counts the numbers N of tensors blk.N.
func (l *loader) layersWithTensors() int {
	seen := map[string]bool{}
	for name := range l.tensors {
		if rest, ok := strings.CutPrefix(name, "blk."); ok {
			number, _, _ := strings.Cut(rest, ".")
			seen[number] = true
		}
	}
	return len(seen)
}

// layerName is the prefix of the tensors of a layer.
func layerName(i int) string { return fmt.Sprintf("blk.%d.", i) }
