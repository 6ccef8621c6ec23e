package model

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

// family is a synthetic model that has whatever tensors its graph asks for.
type family struct {
	arch string // empty: the name in the table
	keys string // beside those of all: name=value; numbers with a point or an e are floats, lists are in brackets
	have string // tensors that it could be without, by the end of their names
}

// families are models of architectures that everyArchitecture has none of, or of other shapes of them. Layers are 2 if not said.
var families = map[string]family{
	"gemma":           {},
	"gemma2":          {keys: "attn_logit_softcapping=2.0 final_logit_softcapping=3.0 attention.sliding_window=5"},
	"olmo":            {keys: "attention.clamp_kqv=0.5", have: "output.weight"},
	"olmo2":           {},
	"olmo3":           {arch: "olmo2", keys: "attention.sliding_window=5 attention.sliding_window_pattern=[true,false] rope.freq_base_swa=500.0 rope.scaling.type=yarn rope.scaling.factor=4.0"},
	"smollm3":         {keys: "block_count=4"},
	"granite":         {keys: "embedding_scale=12.0 residual_scale=0.22 attention.scale=0.2 logit_scale=8.0"},
	"granitemoe":      {keys: "embedding_scale=12.0 residual_scale=0.22 attention.scale=0.2 logit_scale=8.0 expert_count=5 expert_used_count=2"},
	"arcee":           {},
	"seed_oss":        {have: "attn_q.bias attn_k.bias attn_v.bias"},
	"chatglm":         {keys: "rope.dimension_count=4", have: "attn_qkv.weight attn_qkv.bias"},
	"glm4":            {keys: "rope.dimension_count=4"},
	"stablelm":        {keys: "rope.dimension_count=2", have: "ffn_norm.weight"},
	"stablelm-side":   {arch: "stablelm", keys: "rope.dimension_count=2", have: "attn_q_norm.weight"},
	"starcoder":       {keys: "attention.head_count_kv=1"},
	"starcoder2":      {},
	"phi2":            {keys: "rope.dimension_count=4", have: "output.weight output.bias attn_qkv.weight"},
	"gptneox":         {keys: "rope.dimension_count=4"},
	"gptneox-serial":  {arch: "gptneox", keys: "use_parallel_residual=false"},
	"falcon":          {},
	"falcon-40b":      {arch: "falcon", have: "attn_norm_2.weight"},
	"command-r":       {keys: "logit_scale=0.5", have: "attn_q_norm.weight"},
	"cohere2":         {keys: "logit_scale=0.5 attention.sliding_window=5 attention.sliding_window_pattern=2"},
	"exaone4":         {keys: "attention.sliding_window=5 attention.sliding_window_pattern=2"},
	"hunyuan-dense":   {},
	"nemotron":        {keys: "rope.dimension_count=4"},
	"qwen2vl":         {keys: "rope.dimension_sections=[1,1,2,0]"},
	"qwen3vl":         {keys: "rope.dimension_sections=[1,1,2,0] n_deepstack_layers=1"},
	"qwen3vlmoe":      {keys: "rope.dimension_sections=[1,1,2,0] expert_count=5 expert_used_count=2"},
	"mistral3":        {keys: "attention.temperature_scale=0.5 rope.scaling.type=yarn rope.scaling.factor=4.0 rope.scaling.original_context_length=4 rope.scaling.yarn_log_multiplier=1.0"},
	"bloom":           {},
	"ernie4_5":        {},
	"ernie4_5-moe":    {keys: "block_count=4 expert_count=5 expert_used_count=2 expert_feed_forward_length=12 leading_dense_block_count=1 interleave_moe_layer_step=2 expert_shared_count=1", have: "exp_probs_b.bias"},
	"dots1":           {keys: "expert_count=6 expert_used_count=2 expert_feed_forward_length=12 leading_dense_block_count=1 expert_shared_count=2 expert_weights_scale=2.5 expert_weights_norm=true expert_group_count=3 expert_group_used_count=2", have: "exp_probs_b.bias"},
	"glm4moe":         {keys: "block_count=3 nextn_predict_layers=1 expert_count=5 expert_used_count=2 expert_feed_forward_length=12 leading_dense_block_count=1 expert_shared_count=1 expert_gating_func=2 rope.dimension_count=4", have: "exp_probs_b.bias attn_q.bias attn_k.bias attn_v.bias attn_q_norm.weight"},
	"minimax-m2":      {keys: "expert_count=5 expert_used_count=2 expert_feed_forward_length=12 expert_gating_func=2 rope.dimension_count=4", have: "exp_probs_b.bias"},
	"phimoe":          {keys: "expert_count=5 expert_used_count=2 rope.scaling.original_context_length=60", have: "output.weight output.bias attn_norm.bias ffn_norm.bias output_norm.bias rope_factors_long.weight"},
	"gpt-oss":         {keys: "expert_count=5 expert_used_count=2 attention.sliding_window=5 rope.scaling.type=yarn rope.scaling.factor=8.0 rope.scaling.original_context_length=16", have: "ffn_gate_exps.bias ffn_up_exps.bias ffn_down_exps.bias ffn_gate_inp.bias attn_q.bias attn_output.bias"},
	"llama4":          {keys: "block_count=4 expert_count=5 expert_used_count=1 expert_feed_forward_length=12 interleave_moe_layer_step=2"},
	"llama4-whole":    {arch: "llama4", keys: "attention.sliding_window=0 expert_count=5 expert_used_count=1"},
	"afmoe":           {keys: "block_count=3 attention.sliding_window=5 attention.sliding_window_pattern=2 expert_count=5 expert_used_count=2 expert_feed_forward_length=12 leading_dense_block_count=1 expert_shared_count=1", have: "exp_probs_b.bias"},
	"exaone-moe":      {keys: "block_count=3 attention.sliding_window=5 attention.sliding_window_pattern=[true,false,true] expert_count=5 expert_used_count=2 expert_feed_forward_length=12 leading_dense_block_count=1 expert_shared_count=1 expert_gating_func=2", have: "exp_probs_b.bias"},
	"mamba":           {keys: "feed_forward_length=0 attention.head_count=0 ssm.conv_kernel=4 ssm.inner_size=48 ssm.state_size=6 ssm.time_step_rank=3", have: "ssm_conv1d.bias ssm_dt.bias"},
	"falcon-mamba":    {arch: "mamba", keys: "feed_forward_length=0 attention.head_count=0 ssm.dt_b_c_rms=true ssm.conv_kernel=4 ssm.inner_size=48 ssm.state_size=6 ssm.time_step_rank=3"},
	"mamba2":          {keys: "feed_forward_length=0 attention.head_count=0 ssm.conv_kernel=4 ssm.inner_size=48 ssm.state_size=6 ssm.time_step_rank=4 ssm.group_count=2", have: "ssm_norm.weight ssm_conv1d.bias"},
	"jamba":           {keys: "attention.head_count_kv=[0,2] expert_count=5 expert_used_count=2 ssm.conv_kernel=4 ssm.inner_size=48 ssm.state_size=6 ssm.time_step_rank=3", have: "blk.1.ffn_gate_inp.weight"},
	"falcon-h1":       {keys: "ssm.conv_kernel=4 ssm.inner_size=48 ssm.state_size=6 ssm.time_step_rank=4 ssm.group_count=2"},
	"granitehybrid":   {keys: "attention.head_count_kv=[0,2] expert_count=5 expert_used_count=2 expert_shared_feed_forward_length=20 rope.scaling.finetuned=false embedding_scale=12.0 residual_scale=0.22 attention.scale=0.2 logit_scale=8.0 ssm.conv_kernel=4 ssm.inner_size=48 ssm.state_size=6 ssm.time_step_rank=4 ssm.group_count=2", have: "ssm_norm.weight blk.1.attn_q.weight"},
	"nemotron_h":      {keys: "block_count=3 feed_forward_length=[0,0,36] attention.head_count_kv=[0,2,0] ssm.conv_kernel=4 ssm.inner_size=48 ssm.state_size=6 ssm.time_step_rank=4 ssm.group_count=2", have: "ssm_norm.weight blk.0.ssm_in.weight blk.1.attn_q.weight"},
	"nemotron_h_moe":  {keys: "feed_forward_length=0 attention.head_count_kv=0 expert_count=5 expert_used_count=2 expert_feed_forward_length=12 expert_shared_count=1 expert_shared_feed_forward_length=20 moe_latent_size=10 ssm.conv_kernel=4 ssm.inner_size=48 ssm.state_size=6 ssm.time_step_rank=4 ssm.group_count=2", have: "blk.0.ssm_in.weight ffn_gate_inp.weight exp_probs_b.bias"},
	"lfm2":            {keys: "attention.head_count_kv=[0,2] shortconv.l_cache=3"},
	"lfm2moe":         {keys: "attention.head_count_kv=[2,0] shortconv.l_cache=3 expert_count=5 expert_used_count=2 expert_feed_forward_length=12 leading_dense_block_count=1 expert_gating_func=2", have: "exp_probs_b.bias"},
	"qwen3next":       {keys: "expert_count=5 expert_used_count=2 expert_feed_forward_length=12 expert_shared_feed_forward_length=20 attention.key_length=8 ssm.conv_kernel=4 ssm.inner_size=24 ssm.state_size=5 ssm.time_step_rank=4 ssm.group_count=2 full_attention_interval=2 rope.dimension_count=4", have: "ssm_ba.weight"},
	"qwen35":          {keys: "rope.dimension_sections=[1,1,0,0] attention.key_length=8 ssm.conv_kernel=4 ssm.inner_size=24 ssm.state_size=5 ssm.time_step_rank=4 ssm.group_count=2 full_attention_interval=2 rope.dimension_count=4"},
	"qwen35moe":       {keys: "rope.dimension_sections=[1,1,0,0] expert_count=5 expert_used_count=2 expert_feed_forward_length=12 expert_shared_feed_forward_length=20 attention.key_length=8 ssm.conv_kernel=4 ssm.inner_size=24 ssm.state_size=5 ssm.time_step_rank=4 ssm.group_count=2 full_attention_interval=2 rope.dimension_count=4"},
	"t5":              {keys: "attention.head_count_kv=4 attention.relative_buckets_count=8 decoder_start_token_id=0 decoder_block_count=3"},
	"t5-gated":        {arch: "t5", keys: "attention.head_count_kv=4 attention.relative_buckets_count=6", have: "ffn_gate.weight output.weight"},
	"apertus":         {have: "rope_freqs.weight"},
	"gemma3n":         {keys: "block_count=5 attention.sliding_window=5 attention.sliding_window_pattern=[true,false,true,true,false] attention.shared_kv_layers=2 altup.num_inputs=3 embedding_length_per_layer_input=6 rope.freq_base_swa=500.0 activation_sparsity_scale=[0.5,0.0,-Inf,-Inf,-Inf] final_logit_softcapping=3.0", have: "attn_v.weight"},
	"gemma4":          {keys: "block_count=4 attention.sliding_window=5 attention.sliding_window_pattern=[true,false,true,false] attention.shared_kv_layers=2 attention.key_length=12 attention.key_length_swa=8 attention.value_length_swa=8 rope.dimension_count_swa=8 embedding_length_per_layer_input=6", have: "attn_v.weight layer_output_scale.weight rope_freqs.weight"},
	"gemma4-plain":    {arch: "gemma4", keys: "attention.sliding_window=5 attention.sliding_window_pattern=[true,false]"},
	"deepseek2":       {keys: latentKeys + " attention.key_length=20 attention.value_length=16 attention.key_length_mla=12 attention.value_length_mla=6"},
	"deepseek2-whole": {arch: "deepseek2", keys: latentKeys + " attention.head_count_kv=4 attention.key_length=12 attention.value_length=6", have: "attn_kv_b.weight exp_probs_b.bias"},
	"mpt":             {keys: "attention.max_alibi_bias=8.0 attention.clamp_kqv=0.5", have: "attn_q_norm.weight attn_q_norm.bias"},
}

// latentKeys are those of models with multi-head latent attention, with 8 elements of a head's key that are not turned and 4 that are.
const latentKeys = "attention.head_count_kv=1 attention.q_lora_rank=10 attention.kv_lora_rank=16 rope.dimension_count=4 expert_count=6 expert_used_count=2 " +
	"expert_feed_forward_length=12 expert_shared_count=1 leading_dense_block_count=1 expert_group_count=3 expert_group_used_count=2 expert_weights_scale=1.5 " +
	"rope.scaling.type=yarn rope.scaling.factor=4.0 rope.scaling.yarn_log_multiplier=0.1"

// encoders are models that predict no tokens.
var encoders = map[string]family{
	"bert":        {keys: "attention.causal=false attention.head_count_kv=4", have: "attn_q.bias attn_k.bias attn_v.bias attn_output.bias ffn_up.bias ffn_down.bias"},
	"modern-bert": {keys: "block_count=3 attention.causal=false attention.head_count_kv=4 attention.sliding_window=4 rope.freq_base_swa=500.0"},
}

// invented builds a family's model.
func invented(t *testing.T, name string) *fake {
	t.Helper()
	c, ok := families[name]
	if !ok {
		c = encoders[name]
	}
	if c.arch == "" {
		c.arch = name
	}
	r := rand.New(rand.NewPCG(6, 7))
	f := &fake{md: &gguf.Metadata{}}
	f.md.Set("general.architecture", c.arch)
	for _, kv := range strings.Fields("block_count=2 context_length=48 embedding_length=24 feed_forward_length=36 attention.head_count=4 attention.head_count_kv=2 " +
		"attention.key_length=8 attention.layer_norm_rms_epsilon=1e-6 attention.layer_norm_epsilon=1e-5 " + c.keys) {
		key, v, _ := strings.Cut(kv, "=")
		f.md.Set(c.arch+"."+key, parseValue(t, v))
	}
	a, err := find(c.arch)
	require.NoError(t, err)
	if c.arch == "apertus" {
		for key, v := range map[string]any{"alpha_p": []float32{0.3, 0.4}, "alpha_n": []float32{-1, -2}, "beta": float32(0.5), "eps": float32(-1e-6)} {
			f.md.Set("xielu."+key, v)
		}
	}
	f.add(r, "token_embd.weight", 24, testVocab)
	l := newLoader(f, c.arch)
	layers, _ := f.md.Int(c.arch + ".block_count")
	for i := range int(layers) {
		l.tensors[layerName(i)] = nil
	}
	have := strings.Fields(c.have)
	l.invent = func(name string, shape []int64) gguf.Tensor {
		if shape == nil {
			if slices.ContainsFunc(have, func(end string) bool { return strings.HasSuffix("."+name, "."+end) }) {
				return f.tensors[0]
			}
			return nil
		}
		f.add(r, name, shape...)
		if strings.HasSuffix(name, "ssm_a") { // which is below 0
			f.negate(name)
		}
		return f.tensors[len(f.tensors)-1]
	}
	a.build(l)
	require.NoError(t, l.err)
	if n, _ := f.md.Int(c.arch + ".nextn_predict_layers"); n > 0 { // a layer that is left out
		f.add(r, layerName(int(layers)-1)+"nextn.eh_proj.weight", 48, 24)
	}
	return f
}

// parseValue reads a value of family.keys.
func parseValue(t *testing.T, s string) any {
	t.Helper()
	var v any
	if strings.HasPrefix(s, "[") {
		parts := strings.Split(strings.Trim(s, "[]"), ",")
		if parts[0] == "true" || parts[0] == "false" {
			var list []bool
			for _, p := range parts {
				list = append(list, p == "true")
			}
			return list
		}
		if strings.ContainsAny(parts[0], ".I") {
			var list []float32
			for _, p := range parts {
				var f float32
				_, err := fmt.Sscan(p, &f)
				require.NoError(t, err)
				list = append(list, f)
			}
			return list
		}
		var list []int32
		for _, p := range parts {
			list = append(list, int32(parseValue(t, p).(uint32)))
		}
		return list
	}
	var u uint32
	var f float32
	switch {
	case s == "true" || s == "false":
		v = s == "true"
	case strings.Trim(s, "0123456789") == "":
		_, err := fmt.Sscan(s, &u)
		require.NoError(t, err)
		v = u
	case strings.ContainsAny(s[:1], "0123456789-"):
		_, err := fmt.Sscan(s, &f)
		require.NoError(t, err)
		v = f
	default:
		v = s
	}
	return v
}

// negate makes the elements of a tensor negative.
func (f *fake) negate(name string) {
	for _, x := range f.tensors {
		if tensor := x.(*fakeTensor); tensor.info.Name == name {
			for i := 3; i < len(tensor.data); i += 4 {
				tensor.data[i] |= 0x80
			}
		}
	}
}

func TestEveryArchitectureHasAModel(t *testing.T) {
	var names []string
	for name, f := range families {
		names = append(names, name, f.arch)
	}
	for name := range encoders {
		names = append(names, name)
	}
	for _, f := range everyArchitecture() {
		names = append(names, f.md.Architecture())
	}
	for _, name := range Architectures() {
		require.Contains(t, names, name, "a synthetic model of each architecture is expected")
	}
}

// TestFamilies: tokens one at a time are tokens together, logits are finite, a sequence may be cut anywhere, and a token allocates nothing.
func TestFamilies(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(families)) {
		t.Run(name, func(t *testing.T) {
			f, ids := invented(t, name), testIDs(20)
			m := load(t, f, 2)
			want, row := all(t, m, ids), make([]float32, m.Vocab())
			for _, v := range want {
				require.False(t, math.IsNaN(float64(v)) || math.IsInf(float64(v), 0))
			}
			s := session(t, load(t, f, 1), 48)
			for i := range ids {
				require.NoError(t, s.Forward(ids[i:i+1], 0, row))
				require.Equal(t, want[i*m.Vocab():(i+1)*m.Vocab()], row, "token %d", i)
			}
			s.Truncate(9)
			require.NoError(t, s.Forward(ids[3:8], 5, nil))
			s.Truncate(7)
			require.NoError(t, s.Forward(ids[7:], 12, row))
			require.Equal(t, want[19*m.Vocab():], row)
			require.Zero(t, testing.AllocsPerRun(20, func() { require.NoError(t, s.Forward(ids[:1], 0, row)) }))
		})
	}
}

// TestTensorsOfFamiliesAreChecked takes away each tensor and bends each.
func TestTensorsOfFamiliesAreChecked(t *testing.T) {
	for _, name := range append(slices.Sorted(maps.Keys(families)), slices.Sorted(maps.Keys(encoders))...) {
		t.Run(name, func(t *testing.T) {
			sound := invented(t, name)
			require.NoError(t, Check(sound))
			for i, x := range sound.tensors {
				tensor := *x.(*fakeTensor)
				if strings.Contains(tensor.info.Name, "nextn") {
					continue
				}
				bent := &fake{sound.md, slices.Clone(sound.tensors)}
				tensor.info.Shape = append(slices.Clone(tensor.info.Shape), 2)
				bent.tensors[i] = &tensor
				require.ErrorContains(t, Check(bent), tensor.info.Name)
			}
			extra := *sound.tensors[0].(*fakeTensor)
			extra.info.Name = "blk.0.nothing.weight"
			require.ErrorContains(t, Check(&fake{sound.md, append(slices.Clone(sound.tensors), &extra)}), "unexpected tensor blk.0.nothing.weight")
		})
	}
}

// TestFormsOfLatentAttention: a model computes the same with keys and values of heads in the cache and with latents.
func TestFormsOfLatentAttention(t *testing.T) {
	const heads, latent, plain, value = 4, 16, 8, 6
	apart := invented(t, "deepseek2")
	whole := &fake{apart.md.Clone(), nil}
	for key, v := range map[string]uint32{"head_count_kv": heads, "key_length": 12, "value_length": value} {
		whole.md.Set("deepseek2.attention."+key, v)
	}
	whole.md.Delete("deepseek2.attention.key_length_mla")
	whole.md.Delete("deepseek2.attention.value_length_mla")
	for _, x := range apart.tensors {
		name := x.Info().Name
		p, isKey := strings.CutSuffix(name, "attn_k_b.weight")
		if strings.HasSuffix(name, "attn_v_b.weight") {
			continue
		}
		if !isKey {
			whole.tensors = append(whole.tensors, x)
			continue
		}
		k, v := apart.values(t, name), apart.values(t, p+"attn_v_b.weight")
		both := &fakeTensor{info: gguf.TensorInfo{Name: p + "attn_kv_b.weight", Type: gguf.F32, Shape: []int64{latent, heads * (plain + value)}}}
		for h := range heads {
			for i := range plain {
				for j := range latent {
					both.data = binary.LittleEndian.AppendUint32(both.data, math.Float32bits(float32(k[(h*latent+j)*plain+i])))
				}
			}
			for _, w := range v[h*value*latent : (h+1)*value*latent] {
				both.data = binary.LittleEndian.AppendUint32(both.data, math.Float32bits(float32(w)))
			}
		}
		whole.tensors = append(whole.tensors, both)
	}
	ids := testIDs(30)
	require.InDeltaSlice(t, all(t, load(t, whole, 2), ids), all(t, load(t, apart, 2), ids), 1e-4)
}

// TestGroupsOfExperts: only experts of the best groups are chosen.
func TestGroupsOfExperts(t *testing.T) {
	for _, c := range []struct {
		gating gating
		want   []int
	}{
		{softmax, []int{0, 4}}, // groups by their best expert: those of 3.0 and 2.5
		{sigmoid, []int{4, 5}}, // by their two best: those of 2.5, 2.4 and of 2.2, 2.1
	} {
		r := routing{gating: c.gating, groups: 3, usedGroups: 2}
		chosen := make([]int, 2)
		r.choose(chosen, []float32{3, -9, 2.2, 2.1, 2.5, 2.4}, make([]float32, 6), nil)
		require.Equal(t, c.want, chosen)
	}
	r := routing{gating: sigmoid, normalise: true, scale: 2.5}
	chosen, p := make([]int, 2), []float32{0, 1, -1}
	r.choose(chosen, p, make([]float32, 3), []float32{0, 0, 5})
	require.Equal(t, []int{2, 1}, chosen, "a correction is for the choice")
	require.InDelta(t, 2.5*0.26894142/(0.26894142+0.73105858), p[2], 1e-6, "and not for the weights")
}

// hidden evaluates ids in a session of its own and returns all activations behind the last norm.
func hidden(t *testing.T, m *Model, ids []int32) []float32 {
	t.Helper()
	out := make([]float32, len(ids)*m.Width())
	require.NoError(t, session(t, m, len(ids)).Evaluate(ids, Outputs{Hidden: out}))
	return out
}

// TestEncoders: tokens see those behind them, a longer sequence is evaluated as a whole, and no token is predicted.
func TestEncoders(t *testing.T) {
	for name := range encoders {
		t.Run(name, func(t *testing.T) {
			f, ids := invented(t, name), testIDs(20)
			m := load(t, f, 2)
			width := m.Width()
			want := hidden(t, m, ids)
			require.NotEqual(t, want[:width], hidden(t, m, ids[:5])[:width], "the first token sees the last")
			s, last := session(t, m, 40), make([]float32, 12*width)
			require.NoError(t, s.Evaluate(ids[:8], Outputs{From: 8}))
			require.NoError(t, s.Evaluate(ids[8:], Outputs{Hidden: last}))
			require.Equal(t, want[8*width:], last)
			s.Truncate(5)
			require.NoError(t, s.Evaluate(ids[5:], Outputs{From: 3, Hidden: last}))
			require.Equal(t, want[8*width:], last)
			err := s.Forward(ids[:1], 0, make([]float32, m.Vocab()))
			require.ErrorIs(t, err, gguf.ErrUnsupported)
			require.ErrorContains(t, err, "predicts no tokens")
			f.md.Set(f.md.Architecture()+".attention.causal", true)
			require.ErrorContains(t, Check(f), "attention.causal")
		})
	}
}

// TestEncode: what the decoder predicts depends on the whole input, which replaces the one before; without input there is nothing.
func TestEncode(t *testing.T) {
	m := load(t, invented(t, "t5"), 2)
	ids := testIDs(9)
	want := all(t, m, ids) // with 7 tokens of input
	s, got := session(t, m, 20), make([]float32, len(want))
	require.NoError(t, s.Forward(ids[:4], 4, nil))
	require.NoError(t, s.Encode([]int32{9, 8, 7}))
	require.Zero(t, s.Len())
	require.NoError(t, s.Forward(ids, 0, got))
	require.NotEqual(t, want[:m.Vocab()], got[:m.Vocab()])
	require.NoError(t, s.Encode(testIDs(7)))
	require.NoError(t, s.Forward(ids, 0, got))
	require.Equal(t, want, got)
	require.ErrorContains(t, s.Encode(nil), "0 tokens")
	require.ErrorContains(t, s.Encode([]int32{testVocab}), "is 50")
	bare, err := m.NewSession(9)
	require.NoError(t, err)
	require.ErrorContains(t, bare.Forward(ids, 9, nil), "given no input")
	require.ErrorContains(t, session(t, load(t, newFake(), 1), 5).Encode(ids), "no encoder")
}

// TestBuckets compares with the numbers that transformers gives.
func TestBuckets(t *testing.T) {
	for _, c := range []struct {
		encoder   bool
		distances []int
		want      []int
	}{
		{true, []int{0, -1, -7, -8, -11, -12, -16, -127, -128, -500, 1, 7, 8, 16, 200}, []int{0, 1, 7, 8, 8, 9, 10, 15, 15, 15, 17, 23, 24, 26, 31}},
		{false, []int{5, 0, -1, -15, -16, -17, -19, -32, -64, -127, -128, -1000}, []int{0, 0, 1, 15, 16, 16, 17, 21, 26, 31, 31, 31}},
	} {
		for i, d := range c.distances {
			require.Equal(t, c.want[i], bucket(d, 32, c.encoder), "distance %d", d)
		}
	}
}
