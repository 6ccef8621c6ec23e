package main

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
)

// contextLength leaves room for measurements deep in the KV cache.
const contextLength = 32768

// model is a source like any other: a Llama whose rows are drawn when they are read.
type model struct {
	metadata *gguf.Metadata
	tensors  []gguf.Tensor
}

func (m *model) Metadata() *gguf.Metadata { return m.metadata }
func (m *model) Tensors() []gguf.Tensor   { return m.tensors }
func (m *model) Close() error             { return nil }

func newModel(name string, s shape) *model {
	m := &model{metadata: metadata(name, s)}
	kv := s.kvHeads * s.headWidth()
	matrix := func(name string, cols, rows int64) {
		m.tensors = append(m.tensors, &weights{gguf.TensorInfo{Name: name, Type: gguf.F16, Shape: []int64{cols, rows}}, uint64(len(m.tensors))})
	}
	norm := func(name string) {
		m.tensors = append(m.tensors, &weights{gguf.TensorInfo{Name: name, Type: gguf.F32, Shape: []int64{s.width}}, uint64(len(m.tensors))})
	}
	matrix("token_embd.weight", s.width, s.vocab)
	for l := range s.layers {
		b := fmt.Sprintf("blk.%d.", l)
		norm(b + "attn_norm.weight")
		matrix(b+"attn_q.weight", s.width, s.width)
		matrix(b+"attn_k.weight", s.width, kv)
		matrix(b+"attn_v.weight", s.width, kv)
		matrix(b+"attn_output.weight", s.width, s.width)
		norm(b + "ffn_norm.weight")
		matrix(b+"ffn_gate.weight", s.width, s.ffn)
		matrix(b+"ffn_up.weight", s.width, s.ffn)
		matrix(b+"ffn_down.weight", s.ffn, s.width)
	}
	norm("output_norm.weight")
	if !s.tied {
		matrix("output.weight", s.width, s.vocab)
	}
	return m
}

func metadata(name string, s shape) *gguf.Metadata {
	md := &gguf.Metadata{}
	md.Append("general.architecture", "llama")
	md.Append("general.name", "random "+name)
	md.Append("general.file_type", uint32(recipe.F16))
	md.Append("llama.block_count", uint32(s.layers))
	md.Append("llama.context_length", uint32(contextLength))
	md.Append("llama.embedding_length", uint32(s.width))
	md.Append("llama.feed_forward_length", uint32(s.ffn))
	md.Append("llama.attention.head_count", uint32(s.heads))
	md.Append("llama.attention.head_count_kv", uint32(s.kvHeads))
	md.Append("llama.attention.layer_norm_rms_epsilon", float32(1e-5))
	md.Append("llama.rope.dimension_count", uint32(s.headWidth()))
	md.Append("llama.rope.freq_base", float32(100000))
	md.Append("llama.vocab_size", uint32(s.vocab))
	addVocab(md, int(s.vocab))
	return md
}
