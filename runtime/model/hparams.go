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

// withExperts reads what models of experts have beside the hyperparameters of all. Whether the weights of experts are
// normalised follows from the architecture; expert_weights_norm may say it again.
func (l *loader) withExperts(h hparams, normalised bool) hparams {
	h.normalise = normalised
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

// withRouting reads what models of experts have beside the hyperparameters of all, when keys say how experts are chosen and weighted, with
// what the architecture does without these keys.
func (l *loader) withRouting(h hparams, otherwise gating, normalised bool) hparams {
	h.routing = routing{gating: otherwise, normalise: l.flag("expert_weights_norm", normalised), scale: float32(l.factorOr1("expert_weights_scale"))}
	switch kind := l.integerOr("expert_gating_func", 0); kind {
	case 0:
	case 1:
		h.gating = softmax
	case 2:
		h.gating = sigmoid
	default:
		l.fail("metadata %s is %d: the runtime knows 1 (softmax) and 2 (sigmoid)", l.key("expert_gating_func"), kind)
	}
	h.experts, h.usedExperts = l.count("expert_count"), l.count("expert_used_count")
	h.expertHidden = l.countOr("expert_feed_forward_length", h.hidden)
	h.groups, h.usedGroups = l.integerOr("expert_group_count", 1), l.integerOr("expert_group_used_count", 1)
	if h.usedExperts > h.experts {
		l.fail("metadata %s is %d, but there are only %d experts", l.key("expert_used_count"), h.usedExperts, h.experts)
	}
	if h.groups > 1 && (h.experts%h.groups != 0 || h.usedGroups < 1 || h.usedGroups > h.groups || h.usedExperts > h.usedGroups*(h.experts/h.groups)) {
		l.fail("metadata: %d of %d experts cannot come from %d of %d groups", h.usedExperts, h.experts, h.usedGroups, h.groups)
	}
	if n := l.integerOr("expert_shared_count", 0); n > 0 {
		h.sharedHidden = l.countOr("expert_shared_feed_forward_length", n*h.expertHidden)
	}
	return h
}

// hasExperts says of each layer whether it has experts: the first leading_dense_block_count have none, and of the others each
// interleave_moe_layer_step-th does.
func (l *loader) hasExperts(layers int) []bool {
	dense, step := l.integerOr("leading_dense_block_count", 0), max(1, l.integerOr("interleave_moe_layer_step", 1))
	experts := make([]bool, layers)
	for i := range experts {
		experts[i] = i >= dense && (i+1)%step == 0
	}
	return experts
}

// slidingLayers says of each layer whether it has the sliding window: attention.sliding_window_pattern does, by a value for each layer
// or by a number n, of which each n-th layer has none; otherwise is that number when it is missing.
func (l *loader) slidingLayers(layers, otherwise int) []bool {
	const name = "attention.sliding_window_pattern"
	sliding := make([]bool, layers)
	switch v, _ := l.value(name); pattern := v.(type) {
	case []bool:
		if len(pattern) != layers {
			l.fail("metadata %s has %d values, but %s is %d", l.key(name), len(pattern), l.key("block_count"), layers)
			return sliding
		}
		return pattern
	default:
		every := l.countOr(name, otherwise)
		for i := range sliding {
			sliding[i] = (i+1)%every != 0
		}
	}
	return sliding
}

// flag reads a switch, or returns otherwise when the key is missing.
func (l *loader) flag(name string, otherwise bool) bool {
	v, there := l.value(name)
	on, ok := v.(bool)
	if !there {
		return otherwise
	}
	if !ok {
		l.fail("metadata %s is %v (%T), expected true or false", l.key(name), v, v)
	}
	return on
}

// integerOr reads an integer of at least 0, or returns otherwise when the key is missing.
func (l *loader) integerOr(name string, otherwise int) int {
	v, there := l.value(name)
	if !there {
		return otherwise
	}
	n, ok := l.md.Int(l.key(name))
	if !ok || n < 0 || n > 1<<30 {
		l.fail("metadata %s is %v, expected a number between 0 and 2^30", l.key(name), v)
		return otherwise
	}
	return int(n)
}

// positiveOr reads a number of at least 0, where 0 is for none, or returns otherwise when the key is missing.
func (l *loader) positiveOr(name string, otherwise float64) float64 {
	f := l.floatOr(name, otherwise)
	if !(f >= 0 && f <= math.MaxFloat32) {
		l.fail("metadata %s is %v, expected a number above 0, or 0 for none", l.key(name), float32(f))
		return otherwise
	}
	return f
}

// softcap reads a limit of scores or logits; 0 for none.
func (l *loader) softcap(name string) float32 { return float32(l.positiveOr(name, 0)) }

// factorOr1 is factor for a key whose value 0 means 1.
func (l *loader) factorOr1(name string) float64 {
	if f := l.positiveOr(name, 1); f != 0 {
		return f
	}
	return 1
}

// attentionScale reads what scores are multiplied with, or returns otherwise when the key is missing or 0.
func (l *loader) attentionScale(otherwise float32) float32 {
	if f := l.positiveOr("attention.scale", 0); f != 0 {
		return float32(f)
	}
	return otherwise
}

// anyEpsilon is epsilon of models that have it by one name or the other.
func (l *loader) anyEpsilon() float32 {
	if l.given("attention.layer_norm_rms_epsilon") {
		return l.epsilon("attention.layer_norm_rms_epsilon")
	}
	return l.epsilon("attention.layer_norm_epsilon")
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
