package arch

import (
	"fmt"
	"strings"
)

// decoder writes what the reference's TextModel writes for any decoder with rotary positions.
func decoder(arch string, c *Config, d dims, r rope) *kvs {
	k := &kvs{arch: arch}
	k.u32("block_count", d.layers)
	k.u32("context_length", d.context)
	k.u32("embedding_length", d.hidden)
	k.u32("feed_forward_length", d.ffn)
	k.u32("attention.head_count", d.heads)
	k.u32("attention.head_count_kv", d.kvHeads)
	if c.Has("is_causal") && !c.Bool("is_causal") {
		k.set("attention.causal", false)
	}
	if r.partial != 1 {
		r.params.fail("partial_rotary_factor", "is %v: GGUF files of this architecture rotate all of a head", r.partial)
	}
	r.metadata(k)
	k.f32("attention.layer_norm_rms_epsilon", c.positive("rms_norm_eps", 1e-6))
	if n := experts(c); n > 0 {
		k.u32("expert_count", n)
		k.u32("expert_used_count", c.Int("num_experts_per_tok", n))
	}
	if d.ownHeadDim {
		k.u32("attention.key_length", d.headDim)
		k.u32("attention.value_length", d.headDim)
	}
	k.fileType()
	return k
}

// layer makes the tensors of one layer.
type layer struct {
	c *Config
	d dims
	n int64
	// out is the list that is made.
	out *[]Tensor
}

// add appends a tensor of this layer, its weight and, when bias is not absent, its bias.
func (l layer) add(source, name string, shape []int64, tr Transform, bias biasRule) {
	from, to := fmt.Sprintf("model.layers.%d.%s", l.n, source), fmt.Sprintf("blk.%d.%s", l.n, name)
	*l.out = append(*l.out, Tensor{Source: from + ".weight", Name: to + ".weight", Shape: shape, Transform: tr})
	if bias != noBias {
		*l.out = append(*l.out, Tensor{Source: from + ".bias", Name: to + ".bias", Shape: shape[:1], Transform: tr, Optional: bias == maybeBias})
	}
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

// decoderSpec puts together what around the layers is alike in all decoders; add makes the tensors of each layer.
func decoderSpec(c *Config, d dims, k *kvs, norm Transform, add func(l layer)) *Spec {
	out := []Tensor{
		{Source: "model.embed_tokens.weight", Name: "token_embd.weight", Shape: []int64{d.vocab, d.hidden}},
		{Source: "model.norm.weight", Name: "output_norm.weight", Shape: []int64{d.hidden}, Transform: norm},
		// Tied models may carry a copy of the embeddings; it is then written, as the reference does.
		{Source: "lm_head.weight", Name: "output.weight", Shape: []int64{d.vocab, d.hidden}, Optional: c.headless() || c.Bool("tie_word_embeddings")},
	}
	for n := range d.layers {
		add(layer{c, d, n, &out})
	}
	return &Spec{Metadata: k.list, Tensors: out, Vocab: d.vocab, Prefix: "model."}
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
func (l layer) attention(permute bool, qkv, o biasRule) {
	d := l.d
	var q, k Transform
	if permute {
		q.Order, k.Order = halvesToPairs(d.heads), halvesToPairs(d.kvHeads)
	}
	l.add("self_attn.q_proj", "attn_q", []int64{d.heads * d.headDim, d.hidden}, q, qkv)
	l.add("self_attn.k_proj", "attn_k", []int64{d.kvHeads * d.headDim, d.hidden}, k, qkv)
	l.add("self_attn.v_proj", "attn_v", []int64{d.kvHeads * d.headDim, d.hidden}, Transform{}, qkv)
	l.add("self_attn.o_proj", "attn_output", []int64{d.hidden, d.heads * d.headDim}, Transform{}, o)
}

// gatedFFN adds gate, up and down.
func (l layer) gatedFFN(bias biasRule) {
	d := l.d
	l.add("mlp.gate_proj", "ffn_gate", []int64{d.ffn, d.hidden}, Transform{}, bias)
	l.add("mlp.up_proj", "ffn_up", []int64{d.ffn, d.hidden}, Transform{}, bias)
	l.add("mlp.down_proj", "ffn_down", []int64{d.hidden, d.ffn}, Transform{}, bias)
}

func (l layer) norm(source, name string, tr Transform) {
	l.add(source, name, []int64{l.d.hidden}, tr, noBias)
}
