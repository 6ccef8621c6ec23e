package model

import (
	"fmt"
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
	sharedHidden                       int // of the expert that every token uses
	routing
}

// sizes are the hyperparameters that may differ from layer to layer.
type sizes struct{ hidden, heads, kvHeads int }

// layer is h with the sizes of layer i.
func (h hparams) layer(i int) hparams {
	h.sizes = h.each[i]
	return h
}

// hparams reads <arch>.block_count and its like.
func (l *loader) hparams() hparams { return l.params(1) }

// hybridParams is hparams of models whose layers have no attention, or no feed-forward part, where their sizes are 0.
func (l *loader) hybridParams() hparams { return l.params(0) }

// layerCount reads block_count.
func (l *loader) layerCount() int {
	layers := l.count("block_count")
	if n := l.layersWithTensors(); n != layers { // also bounds what the blocks allocate
		l.fail("metadata %s is %d, but %d layers have tensors", l.key("block_count"), layers, n)
		return 0
	}
	return layers
}

// params reads the hyperparameters of all architectures; sizes of layers are at least least.
func (l *loader) params(least int) hparams {
	h := hparams{layers: l.layerCount(), context: l.count("context_length"), width: l.count("embedding_length")}
	hidden, heads := l.perLayer("feed_forward_length", h.layers, least), l.perLayer("attention.head_count", h.layers, least)
	kvHeads := heads
	if l.given("attention.head_count_kv") {
		kvHeads = l.perLayer("attention.head_count_kv", h.layers, least)
	}
	h.sizes = sizes{1, 1, 1}
	for i := range h.layers {
		h.each = append(h.each, sizes{hidden[i], heads[i], kvHeads[i]})
		if kvHeads[i] > 0 && heads[i]%kvHeads[i] != 0 {
			l.fail("metadata: %d attention heads are not a multiple of %d key-value heads", heads[i], kvHeads[i])
		}
	}
	if h.layers > 0 {
		h.sizes = h.each[0]
	}
	if !l.given("attention.key_length") && h.width%max(1, h.heads) != 0 {
		l.fail("metadata: embedding_length %d is not a multiple of %d attention heads, and %s is missing", h.width, h.heads, l.key("attention.key_length"))
	}
	h.dim = l.countOr("attention.key_length", max(1, h.width/max(1, h.heads)))
	h.valueDim = l.countOr("attention.value_length", h.dim)
	return h
}

// perLayer is count for a key that may have a value for each layer.
func (l *loader) perLayer(name string, layers, least int) []int {
	l.value(name)
	counts, all := make([]int, layers), l.md.Ints(l.key(name))
	if all != nil && len(all) != layers {
		l.fail("metadata %s has %d values, but %s is %d", l.key(name), len(all), l.key("block_count"), layers)
	}
	for i := range counts {
		if counts[i] = 1; l.err != nil {
			continue
		}
		switch {
		case all != nil && (all[i] != 0 || least > 0):
			counts[i] = l.positive(name, all[i])
		case all != nil:
			counts[i] = 0
		case least > 0:
			counts[i] = l.count(name)
		default:
			counts[i] = l.integerOr(name, 0)
		}
	}
	return counts
}

// window reads attention.sliding_window; 0, for no window, when it is missing.
func (l *loader) window() int {
	v, _ := l.value("attention.sliding_window")
	if n, ok := l.md.Int(l.key("attention.sliding_window")); ok && n == 0 || v == nil {
		return 0
	}
	return l.count("attention.sliding_window")
}

// slidingLayers says of each layer whether it has the sliding window: attention.sliding_window_pattern does, by a value for each layer
// or by a number n, of which each n-th layer has none; otherwise is that number when it is missing.
func (l *loader) slidingLayers(layers, otherwise int) []bool {
	const name = "attention.sliding_window_pattern"
	sliding := make([]bool, layers)
	switch v, _ := l.value(name); pattern := v.(type) {
	case []bool:
		// It may have values for layers that predict further tokens, which are not among these.
		if all, _ := l.md.Int(l.key("block_count")); len(pattern) != layers && int64(len(pattern)) != all {
			l.fail("metadata %s has %d values, but %s is %d", l.key(name), len(pattern), l.key("block_count"), all)
			return sliding
		}
		return pattern[:layers]
	default:
		every := l.countOr(name, otherwise)
		for i := range sliding {
			sliding[i] = (i+1)%every != 0
		}
	}
	return sliding
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

// layersWithTensors counts the numbers N of tensors blk.N, or enc.blk.N.
func (l *loader) layersWithTensors() int {
	seen := map[string]bool{}
	for name := range l.tensors {
		if rest, ok := strings.CutPrefix(strings.TrimPrefix(name, "enc."), "blk."); ok {
			number, _, _ := strings.Cut(rest, ".")
			seen[number] = true
		}
	}
	return len(seen)
}

// layerName is the prefix of the tensors of a layer.
func layerName(i int) string { return fmt.Sprintf("blk.%d.", i) }
