package model

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/verify"
)

// hostile is an edit of a model that loads: keys are below the architecture unless they hold "tokenizer.ggml.".
type hostile struct {
	key   string
	value any    // nil deletes
	want  string // in the error; empty: the key
	only  string // synthetic models that the edit is for; empty: all
	not   string // those that it is not for
}

var (
	nan      = float32(math.NaN())
	infinite = float32(math.Inf(1))
)

// hostileEdits each give a model that must neither load nor pass verification.
var hostileEdits = []hostile{
	{key: "block_count", value: uint32(0)},
	{key: "block_count", value: uint32(1), want: "block_count is 1, but 2 layers have tensors"},
	{key: "block_count", value: uint32(3), want: "block_count is 3, but 2 layers have tensors"},
	{key: "block_count", value: uint32(1 << 31), want: "expected a number between 1 and 2^30"},
	{key: "block_count", value: "two", want: "expected one integer"},
	{key: "block_count"},
	{key: "context_length", value: uint32(0)},
	{key: "context_length", value: int32(-1)},
	{key: "context_length", value: uint64(1 << 40)},
	{key: "context_length"},
	{key: "embedding_length", value: uint32(0)},
	{key: "embedding_length", value: uint32(16), want: "shape"},
	{key: "embedding_length", value: float32(24), want: "expected one integer"},
	{key: "feed_forward_length", value: uint32(0)},
	{key: "feed_forward_length", value: uint32(37), want: "shape", not: "mixtral olmoe qwen2moe qwen3moe"},
	{key: "feed_forward_length", value: []uint32{36, 35}, want: "shape", not: "mixtral olmoe qwen2moe qwen3moe"},
	{key: "attention.head_count", value: uint32(0)},
	{key: "attention.head_count", value: uint32(3), want: "not a multiple"},
	{key: "attention.head_count", value: uint32(8), want: "shape"},
	{key: "attention.head_count", value: uint32(1 << 29), want: "attn"},
	{key: "attention.head_count", value: []uint32{4}, want: "has 1 values"},
	{key: "attention.head_count"},
	{key: "attention.head_count_kv", value: uint32(0)},
	{key: "attention.head_count_kv", value: uint32(3), want: "not a multiple of 3 key-value heads"},
	{key: "attention.head_count_kv", value: uint32(8), want: "not a multiple of 8"},
	{key: "attention.head_count_kv", value: []int32{2, -2}},
	{key: "attention.key_length", value: uint32(0)},
	{key: "attention.key_length", value: uint32(4), want: "shape"},
	{key: "attention.value_length", value: uint32(4), want: "shape"},
	{key: "attention.layer_norm_rms_epsilon", value: float32(-1e-6), not: "gpt2"},
	{key: "attention.layer_norm_rms_epsilon", value: float32(0), not: "gpt2"},
	{key: "attention.layer_norm_rms_epsilon", value: nan, not: "gpt2"},
	{key: "attention.layer_norm_rms_epsilon", value: infinite, not: "gpt2"},
	{key: "attention.layer_norm_rms_epsilon", value: uint32(1), want: "expected a float", not: "gpt2"},
	{key: "attention.layer_norm_rms_epsilon", not: "gpt2"},
	{key: "attention.layer_norm_epsilon", value: float32(-1), only: "gpt2"},
	{key: "attention.layer_norm_epsilon", value: nan, only: "gpt2"},
	{key: "attention.causal", value: false},
	{key: "attention.scale", value: float32(0.5)},
	{key: "attention.clamp_kqv", value: float32(8)},
	{key: "attention.max_alibi_bias", value: float32(8)},
	{key: "attention.sliding_window", value: int32(-4), not: "gpt2"},
	{key: "attention.sliding_window", value: uint32(16), only: "gpt2"},
	{key: "attention.sliding_window", only: "gemma3"},
	{key: "attention.sliding_window_pattern", value: uint32(2), not: "gemma3"},
	{key: "attention.sliding_window_pattern", value: uint32(0), only: "gemma3"},
	{key: "attention.key_length_swa", value: uint32(4)},
	{key: "rope.freq_base", value: float32(0), not: "gpt2"},
	{key: "rope.freq_base", value: float32(-10000), not: "gpt2"},
	{key: "rope.freq_base", value: nan, not: "gpt2"},
	{key: "rope.freq_base", value: infinite, not: "gpt2"},
	{key: "rope.freq_base", value: 1e300, want: "outside the range of float32", not: "gpt2"},
	{key: "rope.freq_base", value: 1e-300, want: "outside the range of float32", not: "gpt2"},
	{key: "rope.freq_base", value: "10000", want: "expected a float", not: "gpt2"},
	{key: "rope.freq_base_swa", value: float32(-1), only: "gemma3"},
	{key: "rope.freq_base_swa", value: float32(20000), not: "gemma3"},
	{key: "rope.local.freq_base", value: float32(1e4)},
	{key: "rope.dimension_count", value: uint32(0), not: "gpt2"},
	{key: "rope.dimension_count", value: uint32(7), want: "even number", not: "gpt2"},
	{key: "rope.dimension_count", value: uint32(16), want: "at most 8", not: "gpt2"},
	{key: "rope.dimension_sections", value: []int32{2, 1, 1, 0}},
	{key: "rope.scale_linear", value: float32(-2), not: "llama qwen2"},
	{key: "rope.scale_linear", value: float32(2), only: "gpt2"},
	{key: "rope.scaling.type", value: "spiral"},
	{key: "rope.scaling.type", value: "longrope", not: "phi3"},
	{key: "rope.scaling.type", value: "yarn", want: "rope.scaling.", not: "llama qwen2"},
	{key: "rope.scaling.factor", value: float32(0), not: "gpt2"},
	{key: "rope.scaling.factor", value: nan},
	{key: "rope.scaling.factor", value: infinite},
	{key: "rope.scaling.factor", only: "llama qwen2"},
	{key: "rope.scaling.attn_factor", value: float32(-1)},
	{key: "rope.scaling.original_context_length", value: uint32(0), only: "qwen2 phi3"},
	{key: "rope.scaling.yarn_attn_factor", value: float32(1.25), not: "qwen2"},
	{key: "rope.scaling.yarn_attn_factor", value: float32(0), only: "qwen2"},
	{key: "rope.scaling.yarn_beta_fast", value: nan},
	{key: "rope.scaling.yarn_beta_fast", value: float32(0.5), only: "qwen2"},
	{key: "rope.scaling.yarn_beta_slow", value: float32(33)},
	{key: "rope.scaling.yarn_ext_factor", value: float32(0.5)},
	{key: "rope.scaling.yarn_log_multiplier", value: float32(0.1)},
	{key: "rope.scaling.alpha", value: float32(1000)},
	{key: "expert_count", value: uint32(8), want: "expert_", not: "mixtral olmoe qwen2moe qwen3moe"},
	{key: "expert_count", value: uint32(0), only: "olmoe qwen2moe qwen3moe"},
	{key: "expert_count", value: uint32(6), want: "shape", only: "mixtral olmoe qwen2moe qwen3moe"},
	{key: "expert_count", value: uint32(0), want: "ffn", only: "mixtral"},
	{key: "expert_count", only: "olmoe qwen2moe qwen3moe"},
	{key: "expert_used_count", value: uint32(2), not: "mixtral olmoe qwen2moe qwen3moe"},
	{key: "expert_used_count", value: uint32(0), only: "mixtral olmoe qwen2moe qwen3moe"},
	{key: "expert_used_count", value: uint32(6), want: "there are only 5 experts", only: "mixtral olmoe qwen2moe qwen3moe"},
	{key: "expert_feed_forward_length", value: uint32(13), want: "shape", only: "mixtral olmoe qwen2moe qwen3moe"},
	{key: "expert_shared_feed_forward_length", value: uint32(13), want: "shape", only: "qwen2moe"},
	{key: "expert_shared_feed_forward_length", value: uint32(13), not: "qwen2moe"},
	{key: "expert_shared_count", value: uint32(1)},
	{key: "expert_weights_scale", value: float32(2.5)},
	{key: "expert_weights_norm", value: true, not: "mixtral qwen3moe"},
	{key: "expert_weights_norm", value: false, only: "mixtral qwen3moe"},
	{key: "expert_gating_func", value: uint32(2)},
	{key: "expert_group_count", value: uint32(4)},
	{key: "leading_dense_block_count", value: uint32(1)},
	{key: "nextn_predict_layers", value: uint32(1)},
	{key: "logit_scale", value: float32(0.25)},
	{key: "embedding_scale", value: float32(12)},
	{key: "residual_scale", value: float32(0.22)},
	{key: "attn_logit_softcapping", value: float32(50)},
	{key: "final_logit_softcapping", value: float32(30), not: "gemma3"},
	{key: "final_logit_softcapping", value: float32(-30), only: "gemma3"},
	{key: "final_logit_softcapping", value: nan},
	{key: "use_parallel_residual", value: true},
	{key: "classifier.output_labels", value: []string{"yes", "no"}},
	{key: "pooling_type", value: uint32(9)},
	{key: "vocab_size", value: uint32(testVocab + 1)},
	{key: "vocab_size", value: uint32(0)},
	{key: "tokenizer.ggml.tokens", value: make([]string, testVocab-1), want: "the vocabulary has 49 tokens"},
	{key: "tokenizer.ggml.bos_token_id", value: uint32(testVocab)},
	{key: "tokenizer.ggml.eos_token_id", value: int32(-1)},
	{key: "tokenizer.ggml.eot_token_id", value: uint32(math.MaxUint32)},
	{key: "tokenizer.ggml.fim_pre_token_id", value: uint64(math.MaxUint64)},
	{key: "tokenizer.ggml.eom_token_id", value: "two", want: "expected one integer"},
	{key: "tokenizer.ggml.eog_token_ids", value: []int32{3, 999}, want: "is 999"},
	{key: "tokenizer.ggml.suppress_tokens", value: []int32{-7}, want: "is -7"},
}

// withTokens gives f a vocabulary.
func withTokens(f *fake) *fake {
	f.md.Set("tokenizer.ggml.model", "llama")
	f.md.Set("tokenizer.ggml.tokens", make([]string, testVocab))
	return f
}

// requireRefused requires that f neither loads nor passes verification, for the same reason.
func requireRefused(t *testing.T, f *fake, want string) {
	t.Helper()
	_, err := Load(f, Options{})
	require.ErrorIs(t, err, gguf.ErrInput)
	require.NotErrorIs(t, err, gguf.ErrUnsupported)
	require.ErrorContains(t, err, want)
	r, verifyErr := verify.Verify(context.Background(), f, verify.Options{Loads: Check}, nil)
	require.NoError(t, verifyErr)
	var messages []string
	for _, finding := range r.Findings {
		messages = append(messages, finding.Message)
	}
	require.Contains(t, messages, strings.TrimPrefix(err.Error(), "bad input: "))
}

func TestHostileEditsAreRefused(t *testing.T) {
	count := 0
	for _, name := range slices.Sorted(maps.Keys(everyArchitecture())) {
		sound := withTokens(everyArchitecture()[name])
		arch := sound.md.Architecture()
		load(t, sound, 1)
		for _, e := range hostileEdits {
			if e.only != "" && !slices.Contains(strings.Fields(e.only), name) || slices.Contains(strings.Fields(e.not), name) {
				continue
			}
			count++
			key, want := e.key, e.want
			if !strings.HasPrefix(key, "tokenizer.") {
				key = arch + "." + key
			}
			if want == "" {
				want = key
			}
			f := &fake{sound.md.Clone(), sound.tensors}
			f.md.Set(key, e.value)
			if e.value == nil {
				f.md.Delete(key)
			}
			t.Run(name+" "+e.key, func(t *testing.T) { requireRefused(t, f, want) })
		}
	}
	t.Logf("%d edits in %d models", len(hostileEdits), count)
}

// TestHostileTensorsAreRefused takes away each tensor, bends each, and adds one that nothing uses.
func TestHostileTensorsAreRefused(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(everyArchitecture())) {
		t.Run(name, func(t *testing.T) {
			sound := everyArchitecture()[name]
			for i, x := range sound.tensors {
				f := &fake{sound.md, slices.Clone(sound.tensors)}
				tensor := *x.(*fakeTensor)
				if strings.HasSuffix(tensor.info.Name, ".weight") {
					f.tensors = slices.Delete(f.tensors, i, i+1)
					requireRefused(t, f, tensor.info.Name)
				}
				f = &fake{sound.md, slices.Clone(sound.tensors)}
				tensor.info.Shape = append(slices.Clone(tensor.info.Shape), 2)
				tensor.data = slices.Concat(tensor.data, tensor.data)
				f.tensors[i] = &tensor
				requireRefused(t, f, tensor.info.Name)
			}
			for _, extra := range []string{"blk.0.attn_sinks.weight", "cls.output.weight", "rope_factors_long.weight", "blk.0.attn_q.lora_a"} {
				if name == "phi3" && extra == "rope_factors_long.weight" {
					continue
				}
				tensor := *sound.tensors[1].(*fakeTensor)
				tensor.info.Name = extra
				requireRefused(t, &fake{sound.md, append(slices.Clone(sound.tensors), &tensor)}, "unexpected tensor "+extra)
			}
		})
	}
}

// TestRopeFactorsAreChecked: a factor of zero would turn by an infinite angle.
func TestRopeFactorsAreChecked(t *testing.T) {
	f := everyArchitecture()["phi3"]
	for _, x := range f.tensors {
		if x.Info().Name == "rope_factors_short.weight" {
			clear(x.(*fakeTensor).data[4:8])
		}
	}
	requireRefused(t, f, "tensor rope_factors_short.weight: factor 1 is 0")
}

// TestSoundButNotEvaluated: loading refuses what verification only mentions.
func TestSoundButNotEvaluated(t *testing.T) {
	for _, c := range []struct {
		key   string
		value any
		want  string
	}{
		{"general.architecture", "abacus", `general.architecture is "abacus"`},
		{"general.type", "adapter", `general.type is "adapter"`},
		{"", nil, "no layer has tensors (blk.N.); this is not a whole model"}, // see below
		{"qwen3.pooling_type", uint32(3), "is 3 (last): this is an embedding model, which predicts no tokens"},
		{"qwen3.pooling_type", uint32(4), "this is a reranker"},
	} {
		f := everyArchitecture()["qwen3"]
		if f.md.Set(c.key, c.value); c.key == "" {
			f.md.Delete("")
			f.tensors = f.tensors[:2]
		}
		_, err := Load(f, Options{})
		require.True(t, errors.Is(err, gguf.ErrUnsupported) && errors.Is(err, gguf.ErrInput), "%v", err)
		require.ErrorContains(t, err, c.want)
		if c.key != "general.architecture" { // whose keys are then missing
			r, err := verify.Verify(context.Background(), f, verify.Options{Loads: Check}, nil)
			require.NoError(t, err)
			require.Empty(t, r.Findings)
		}
	}
}

// TestNeutralValuesAreAccepted: keys that ask for what the graph does anyway are no reason to refuse a model.
func TestNeutralValuesAreAccepted(t *testing.T) {
	for name, f := range everyArchitecture() {
		for key, v := range map[string]any{"attention.causal": true, "attention.max_alibi_bias": float32(0), "logit_scale": float32(1),
			"residual_scale": float32(0), "expert_group_count": uint32(0), "pooling_type": uint32(0), "rope.scaling.finetuned": true,
			"vocab_size": uint32(testVocab), "attention.head_count": []uint32{4, 4}, "tensor_data_layout": "x", "house.colour": "blue"} {
			f.md.Set(f.md.Architecture()+"."+key, v)
		}
		_, err := Load(f, Options{})
		require.NoError(t, err, name)
	}
}
