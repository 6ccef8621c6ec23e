package model

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

// shapes of the synthetic models: width 24, 4 heads of 8 (2 of keys and values), hidden 36; 5 experts of 12.
var tensorShapes = map[string][]int64{
	"attn_norm": {24}, "ffn_norm": {24}, "post_attention_norm": {24}, "post_ffw_norm": {24},
	"attn_q": {24, 32}, "attn_k": {24, 16}, "attn_v": {24, 16}, "attn_qkv": {24, 64}, "attn_output": {32, 24},
	"attn_q_norm": {8}, "attn_k_norm": {8},
	"ffn_gate": {24, 36}, "ffn_up": {24, 36}, "ffn_down": {36, 24}, "ffn_gate_up": {24, 72},
	"ffn_gate_inp": {24, 5}, "ffn_gate_exps": {24, 12, 5}, "ffn_up_exps": {24, 12, 5}, "ffn_down_exps": {12, 24, 5},
	"ffn_gate_shexp": {24, 20}, "ffn_up_shexp": {24, 20}, "ffn_down_shexp": {20, 24}, "ffn_gate_inp_shexp": {24, 1},
	"attn_q_norm_all": {32}, "attn_k_norm_all": {16},
}

// synthetic builds a model of one architecture with two layers of the named tensors; a name ending in +
// has a bias. ffn_gate_up is Phi-3's ffn_up, norm_all is a norm of all heads together.
func synthetic(arch, tensors string, extra map[string]any) *fake {
	r := rand.New(rand.NewPCG(2, 3))
	f := &fake{md: &gguf.Metadata{}}
	f.md.Set("general.architecture", arch)
	for key, v := range map[string]any{"block_count": uint32(2), "context_length": uint32(48), "embedding_length": uint32(24),
		"feed_forward_length": uint32(36), "attention.head_count": uint32(4), "attention.head_count_kv": uint32(2),
		"attention.key_length": uint32(8), "attention.layer_norm_rms_epsilon": float32(1e-6), "attention.layer_norm_epsilon": float32(1e-5)} {
		f.md.Set(arch+"."+key, v)
	}
	for key, v := range extra {
		f.md.Set(arch+"."+key, v)
	}
	f.add(r, "token_embd.weight", 24, testVocab)
	f.add(r, "output_norm.weight", 24)
	for _, p := range []string{"blk.0.", "blk.1."} {
		for _, name := range strings.Fields(tensors) {
			name, bias := strings.CutSuffix(name, "+")
			shape := tensorShapes[name]
			name = strings.TrimSuffix(strings.Replace(name, "gate_up", "up", 1), "_all")
			f.add(r, p+name+".weight", shape...)
			if bias {
				f.add(r, p+name+".bias", shape[len(shape)-1])
			}
		}
	}
	switch arch {
	case "gpt2":
		f.add(r, "position_embd.weight", 24, 48)
		f.add(r, "output_norm.bias", 24)
	case "phi3":
		f.add(r, "rope_factors_short.weight", 4)
		f.add(r, "rope_factors_long.weight", 4)
	}
	return f
}

// experts are the metadata of synthetic models with experts.
func experts() map[string]any {
	return map[string]any{"expert_count": uint32(5), "expert_used_count": uint32(2), "expert_feed_forward_length": uint32(12)}
}

// sharedExpert are those of models with one expert for all tokens, too.
func sharedExpert() map[string]any {
	m := experts()
	m["expert_shared_feed_forward_length"] = uint32(20)
	return m
}

// everyArchitecture builds one synthetic model of each, and of Llama one with experts.
func everyArchitecture() map[string]*fake {
	const plain = "attn_norm attn_output ffn_norm ffn_gate ffn_up ffn_down"
	const moe = "attn_norm attn_output ffn_norm ffn_gate_inp ffn_gate_exps ffn_up_exps ffn_down_exps"
	window := uint32(5)
	return map[string]*fake{
		"llama":    synthetic("llama", plain+" attn_q attn_k attn_v", map[string]any{"rope.scaling.type": "linear", "rope.scaling.factor": float32(2)}),
		"qwen2":    synthetic("qwen2", plain+" attn_q+ attn_k+ attn_v+", map[string]any{"rope.scaling.type": "yarn", "rope.scaling.factor": float32(4)}),
		"qwen3":    synthetic("qwen3", plain+" attn_q attn_k attn_v attn_q_norm attn_k_norm", nil),
		"mixtral":  synthetic("llama", moe+" attn_q attn_k attn_v", experts()),
		"qwen2moe": synthetic("qwen2moe", moe+" attn_q+ attn_k+ attn_v+ ffn_gate_shexp ffn_up_shexp ffn_down_shexp ffn_gate_inp_shexp", sharedExpert()),
		"qwen3moe": synthetic("qwen3moe", moe+" attn_q attn_k attn_v attn_q_norm attn_k_norm", experts()),
		"olmoe":    synthetic("olmoe", moe+" attn_q attn_k attn_v attn_q_norm_all attn_k_norm_all", experts()),
		"gemma3": synthetic("gemma3", plain+" attn_q attn_k attn_v attn_q_norm attn_k_norm post_attention_norm post_ffw_norm",
			map[string]any{"attention.sliding_window": window, "attention.sliding_window_pattern": uint32(2), "final_logit_softcapping": float32(2)}),
		"phi3": synthetic("phi3", "attn_norm attn_qkv attn_output ffn_norm ffn_gate_up ffn_down",
			map[string]any{"attention.sliding_window": window, "rope.scaling.original_context_length": uint32(32)}),
		"gpt2": synthetic("gpt2", "attn_norm+ attn_qkv+ attn_output+ ffn_norm+ ffn_up+ ffn_down+", nil),
	}
}

func TestEveryArchitecture(t *testing.T) {
	models := everyArchitecture()
	ids := testIDs(20)
	for _, name := range slices.Sorted(maps.Keys(models)) {
		t.Run(name, func(t *testing.T) {
			m := load(t, models[name], 2)
			want := all(t, m, ids)
			for _, v := range want {
				require.False(t, math.IsNaN(float64(v)) || math.IsInf(float64(v), 0))
			}
			one := load(t, models[name], 1)
			s := session(t, one, len(ids))
			for i := range ids {
				row := make([]float32, m.Vocab())
				require.NoError(t, s.Forward(ids[i:i+1], 0, row))
				require.Equal(t, want[i*m.Vocab():(i+1)*m.Vocab()], row, "token %d", i)
			}
		})
	}
}

// TestTruncate goes back over more than a window, takes another continuation, and must compute what a sequence
// that never went elsewhere computes, in every architecture.
func TestTruncate(t *testing.T) {
	models := everyArchitecture()
	for _, name := range slices.Sorted(maps.Keys(models)) {
		t.Run(name, func(t *testing.T) {
			m := load(t, models[name], 2)
			elsewhere, ids := testIDs(30), testIDs(20)
			for i := 9; i < len(ids); i++ {
				ids[i] = (ids[i] + 17) % testVocab
			}
			want := all(t, m, ids)[9*m.Vocab():]
			s := session(t, m, len(elsewhere))
			require.NoError(t, s.Forward(elsewhere, len(elsewhere), nil))
			s.Truncate(40)
			require.Equal(t, 30, s.Len(), "a longer sequence than there is changes nothing")
			s.Truncate(9)
			require.Equal(t, 9, s.Len())
			got := make([]float32, len(want))
			require.NoError(t, s.Forward(ids[9:], 0, got))
			require.Equal(t, want, got)
			s.Truncate(-1)
			require.Zero(t, s.Len())
		})
	}
}

func TestSlidingWindowForgets(t *testing.T) {
	m := load(t, everyArchitecture()["phi3"], 1)
	ids := testIDs(20)
	want := all(t, m, ids)
	ids[0]++ // two layers with a window of 5 see 9 positions, their own among them
	got := all(t, m, ids)
	v := m.Vocab()
	require.Equal(t, want[9*v:], got[9*v:])
	require.NotEqual(t, want[8*v:9*v], got[8*v:9*v])
}

func TestLongSessionsUseLongFactors(t *testing.T) {
	m := load(t, everyArchitecture()["phi3"], 1)
	ids := testIDs(20)
	short := all(t, m, ids)
	for tokens, same := range map[int]bool{32: true, 33: false} {
		logits := make([]float32, len(short))
		require.NoError(t, session(t, m, tokens).Forward(ids, 0, logits))
		require.Equal(t, same, slices.Equal(short, logits), "a session of %d tokens", tokens)
	}
}

func TestLearnedPositionsEnd(t *testing.T) {
	m := load(t, everyArchitecture()["gpt2"], 1)
	_, err := m.NewSession(49)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "the model has 48 positions")
}

func TestSoftcapBounds(t *testing.T) {
	for _, v := range all(t, load(t, everyArchitecture()["gemma3"], 1), testIDs(8)) {
		require.LessOrEqual(t, math.Abs(float64(v)), 2.0)
	}
}
