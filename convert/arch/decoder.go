package arch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// decoderKeys are what the reference's TextModel writes for any decoder with rotary positions.
func decoderKeys(c *Config, d dims, r rope) keys {
	if r.partial != 1 {
		r.params.fail("partial_rotary_factor", "is %v: GGUF files of this architecture rotate all of a head", r.partial)
	}
	return textKeys(c, d, r)
}

// textKeys are the same where the share of a head that is rotated has a key of its own.
func textKeys(c *Config, d dims, r rope) keys {
	k := keys{
		{"block_count", d.layers},
		{"context_length", d.context},
		{"embedding_length", d.hidden},
		{"feed_forward_length", d.ffn},
		{"attention.head_count", d.heads},
		{"attention.head_count_kv", d.kvHeads}}
	if d.ffn == 0 {
		k = slices.Delete(k, 3, 4) // there are nothing but experts
	}
	k = k.with(when(c.Has("is_causal") && !c.Bool("is_causal"), key{"attention.causal", false})...)
	k = k.with(r.keys()...)
	k = k.with(epsilons(c)...)
	k = k.with(expertKeys(c)...)
	k = k.with(when(d.ownHeadDim, key{"attention.key_length", d.headDim}, key{"attention.value_length", d.headDim})...)
	return k.with(fileType)
}

// epsilons are what is added to the squares in norms: root mean square norms, and LayerNorms.
func epsilons(c *Config) keys {
	var k keys
	for _, e := range []struct {
		key  string
		from []string
	}{{"attention.layer_norm_rms_epsilon", []string{"rms_norm_eps", "norm_eps"}},
		{"attention.layer_norm_epsilon", []string{"layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"}}} {
		if name := c.first(e.from...); name != "" {
			k = append(k, key{e.key, c.positive(name, 1)})
		}
	}
	return k
}

// layer makes the tensors of one layer.
type layer struct {
	c *Config
	d dims
	n int64
	// prefix is what the names in the checkpoint begin with, and first the layer that they call 0.
	prefix string
	first  int64
	// out is the list that is made.
	out *[]Tensor
}

// source and name are names of this layer's tensors in the checkpoint and in GGUF.
func (l layer) source(name string) string {
	return l.prefix + "." + strconv.FormatInt(l.n-l.first, 10) + "." + name
}

func (l layer) name(name string) string { return fmt.Sprintf("blk.%d.%s", l.n, name) }

// add appends a tensor of this layer, its weight and, when bias is not absent, its bias.
func (l layer) add(source, name string, shape []int64, tr Transform, bias biasRule) {
	l.plain(source+".weight", name+".weight", shape, tr)
	if bias != noBias {
		l.plain(source+".bias", name+".bias", shape[:1], tr)
		(*l.out)[len(*l.out)-1].Optional = bias == maybeBias
	}
}

// plain appends a tensor by its whole name.
func (l layer) plain(source, name string, shape []int64, tr Transform) {
	*l.out = append(*l.out, Tensor{Source: l.source(source), Name: l.name(name), Shape: shape, Transform: tr})
}

// cut appends one that takes another shape than the checkpoint's.
func (l layer) cut(source, name string, shape, as []int64, tr Transform) {
	*l.out = append(*l.out, Tensor{Source: l.source(source), Name: l.name(name), Shape: shape, As: as, Transform: tr})
}

type biasRule int

const (
	noBias biasRule = iota
	maybeBias
	hasBias
)

func biasIf(b bool) biasRule {
	if b {
		return hasBias
	}
	return noBias
}

// body is how a family calls what is around the layers, and the layers.
type body struct {
	prefix, embedding, norm, head, layers string
	normBias                              biasRule
}

// llamaBody is what most have.
var llamaBody = body{"model.", "model.embed_tokens", "model.norm", "lm_head", "model.layers", noBias}

// decoderSpec puts together what around the layers is alike in most decoders; add makes the tensors of each layer.
func decoderSpec(c *Config, d dims, arch string, k keys, norm Transform, add func(l layer)) *Spec {
	return llamaBody.spec(c, d, arch, k, norm, add)
}

func (b body) spec(c *Config, d dims, arch string, k keys, norm Transform, add func(l layer)) *Spec {
	out := []Tensor{
		{Source: b.embedding + ".weight", Name: "token_embd.weight", Shape: []int64{d.vocab, d.hidden}},
		{Source: b.norm + ".weight", Name: "output_norm.weight", Shape: []int64{d.hidden}, Transform: norm},
		// Tied models may carry a copy of the embeddings; it is then written, as the reference does.
		{Source: b.head + ".weight", Name: "output.weight", Shape: []int64{d.vocab, d.hidden}, Optional: c.headless() || c.Bool("tie_word_embeddings")},
	}
	if b.normBias != noBias {
		out = append(out, Tensor{Source: b.norm + ".bias", Name: "output_norm.bias", Shape: []int64{d.hidden}, Optional: b.normBias == maybeBias})
	}
	for n := range d.layers {
		add(layer{c: c, d: d, n: n, prefix: b.layers, out: &out})
	}
	return &Spec{Metadata: k.of(arch), Tensors: out, Vocab: d.vocab, Prefix: b.prefix}
}

// withoutHead leaves a head out that is the embeddings again: runtimes read none of these families.
func (s *Spec) withoutHead() *Spec {
	s.Tensors = slices.DeleteFunc(s.Tensors, func(t Tensor) bool { return t.Name == "output.weight" })
	s.LeftOut = append(s.LeftOut, LeftOut{Prefix: "lm_head.weight"})
	return s
}

// headless reports that the class is the model without its head, as embedding models are published.
func (c *Config) headless() bool {
	var class string
	if classes := c.List("architectures"); len(classes) > 0 {
		class, _ = classes[0].(string)
	}
	if !strings.HasSuffix(class, "Model") {
		return false
	}
	c.note("architectures", "names %s, a model without a head: it makes vectors of texts, and does not write them", class)
	return true
}

// attention adds the projections; permute reorders the rows of queries and keys.
func (l layer) attention(permute bool, qkv, o biasRule) { l.attentionIn("self_attn", permute, qkv, o) }

func (l layer) attentionIn(module string, permute bool, qkv, o biasRule) {
	d := l.d
	var q, k Transform
	if permute {
		q.Order, k.Order = halvesToPairs(d.heads), halvesToPairs(d.kvHeads)
	}
	l.add(module+".q_proj", "attn_q", []int64{d.heads * d.headDim, d.hidden}, q, qkv)
	l.add(module+".k_proj", "attn_k", []int64{d.kvHeads * d.headDim, d.hidden}, k, qkv)
	l.add(module+".v_proj", "attn_v", []int64{d.kvHeads * d.headDim, d.hidden}, Transform{}, qkv)
	l.add(module+".o_proj", "attn_output", []int64{d.hidden, d.heads * d.headDim}, Transform{}, o)
}

// llama adds a layer as Llama has it, whose queries and keys may be reordered.
func (l layer) llama(permute bool, qkv, o, ffn biasRule) {
	l.llamaAttention(permute, qkv, o)
	l.gatedFFN(ffn)
}

// llamaAttention is the same without the feed-forward part.
func (l layer) llamaAttention(permute bool, qkv, o biasRule) {
	l.norm("input_layernorm", "attn_norm", Transform{})
	l.attention(permute, qkv, o)
	l.norm("post_attention_layernorm", "ffn_norm", Transform{})
}

// postNorms adds norms behind attention and feed-forward part alone.
func (l layer) postNorms() {
	l.norm("post_attention_layernorm", "post_attention_norm", Transform{})
	l.norm("post_feedforward_layernorm", "post_ffw_norm", Transform{})
}

// slidingKeys say which layers attend to a sliding window, of d.layers.
func slidingKeys(c *Config, d dims) keys {
	pattern := make([]bool, d.layers)
	types := c.List("layer_types")
	if int64(len(types)) != d.layers {
		c.fail("layer_types", "has %d entries, but there are %d layers", len(types), d.layers)
		return nil
	}
	for n := range pattern {
		pattern[n] = types[n] == "sliding_attention"
	}
	return keys{{"attention.sliding_window", c.Int("sliding_window", maxTokens)}, {"attention.sliding_window_pattern", pattern}}
}

// everyFourthPlain checks that positions are left out where GGUF runtimes leave them out: in every fourth layer.
func (c *Config) everyFourthPlain(d dims) {
	for n, x := range c.List("no_rope_layers") {
		if rotated, _ := x.(float64); (rotated != 0) != ((n+1)%4 != 0) || int64(n) >= d.layers {
			c.fail("no_rope_layers", "is %v: GGUF runtimes rotate queries and keys of this architecture in all but every fourth layer", c.List("no_rope_layers"))
			return
		}
	}
}

// gatedFFN adds gate, up and down.
func (l layer) gatedFFN(bias biasRule) { l.gatedFFNIn("mlp", bias) }

func (l layer) gatedFFNIn(module string, bias biasRule) {
	d := l.d
	l.add(module+".gate_proj", "ffn_gate", []int64{d.ffn, d.hidden}, Transform{}, bias)
	l.add(module+".up_proj", "ffn_up", []int64{d.ffn, d.hidden}, Transform{}, bias)
	l.add(module+".down_proj", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, bias)
}

func (l layer) norm(source, name string, tr Transform) {
	l.add(source, name, []int64{l.d.hidden}, tr, noBias)
}
