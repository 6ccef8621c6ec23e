package arch

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
)

// kvs collects an architecture's entries in order.
type kvs struct {
	arch string
	list []gguf.KV
}

func (k *kvs) u32(key string, v int64)   { k.set(key, uint32(v)) }
func (k *kvs) f32(key string, v float64) { k.set(key, float32(v)) }
func (k *kvs) set(key string, v any) {
	k.list = append(k.list, gguf.KV{Key: k.arch + "." + key, Value: v})
}
func (k *kvs) fileType(v uint32) {
	k.list = append(k.list, gguf.KV{Key: "general.file_type", Value: v})
}

// decoderMetadata is what the reference writes for any decoder with rotary positions.
func decoderMetadata(arch string, c *Config, d dims, fileType uint32, headLengths bool) *kvs {
	k := &kvs{arch: arch}
	k.u32("block_count", d.layers)
	k.u32("context_length", c.Int("max_position_embeddings", maxTokens))
	k.u32("embedding_length", d.hidden)
	k.u32("feed_forward_length", d.ffn)
	k.u32("attention.head_count", d.heads)
	k.u32("attention.head_count_kv", d.kvHeads)
	ropeScaling(k, c)
	k.f32("rope.freq_base", c.Float("rope_theta", 10000))
	if c.Has("rope_local_base_freq") {
		k.f32("rope.freq_base_swa", c.Float("rope_local_base_freq", 10000))
	}
	k.f32("attention.layer_norm_rms_epsilon", c.Float("rms_norm_eps", 1e-6))
	if n := experts(c); n > 0 {
		k.u32("expert_count", n)
		k.u32("expert_used_count", c.Int("num_experts_per_tok", n))
	}
	if headLengths {
		k.u32("attention.key_length", d.headDim)
		k.u32("attention.value_length", d.headDim)
	}
	k.fileType(fileType)
	return k
}

// ropeScaling writes linear and YaRN scaling. llama3 and longrope become tensors, see Family.Extra.
func ropeScaling(k *kvs, c *Config) {
	s := c.Sub("rope_scaling")
	kind := s.String("rope_type")
	if kind == "" {
		kind = s.String("type")
	}
	switch kind {
	case "", "default", "llama3", "longrope", "su":
	case "linear", "yarn":
		k.set("rope.scaling.type", kind)
		k.f32("rope.scaling.factor", s.Float("factor", 1))
		if kind == "yarn" {
			k.u32("rope.scaling.original_context_length", s.Int("original_max_position_embeddings", maxTokens))
		}
	default:
		c.fail("rope_scaling", "is of the unknown type %q", kind)
	}
	if s.err != nil && c.err == nil {
		c.err = s.err
	}
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

// decoderTensors lists what is around the layers; add makes those of each.
func decoderTensors(c *Config, d dims, norm Transform, add func(l layer)) []Tensor {
	out := []Tensor{
		{Source: "model.embed_tokens.weight", Name: "token_embd.weight", Shape: []int64{d.vocab, d.hidden}},
		{Source: "model.norm.weight", Name: "output_norm.weight", Shape: []int64{d.hidden}, Transform: norm},
		// Tied models may carry a copy; it is then left out as the reference does.
		{Source: "lm_head.weight", Name: "output.weight", Shape: []int64{d.vocab, d.hidden}, Optional: c.Bool("tie_word_embeddings")},
	}
	for n := range d.layers {
		add(layer{c, d, n, &out})
	}
	return out
}

// attention adds the projections; permute reorders the rows of queries and keys.
func (l layer) attention(permute bool, qkv, o biasRule) {
	d := l.d
	var q, k Transform
	if permute {
		q.Heads, k.Heads = d.heads, d.kvHeads
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
