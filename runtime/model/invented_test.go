package model

import (
	"fmt"
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
	"granitemoe-1":    {arch: "granitemoe", keys: "expert_count=5 expert_used_count=2 expert_shared_feed_forward_length=20", have: "ffn_up_shexp.weight"},
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
	"exaone-moe-next": {arch: "exaone-moe", keys: "block_count=3 nextn_predict_layers=1 attention.sliding_window=5 attention.sliding_window_pattern=[true,false] expert_count=5 expert_used_count=2 expert_feed_forward_length=12 leading_dense_block_count=1 expert_shared_count=1 expert_gating_func=2", have: "exp_probs_b.bias"},
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
	"t5":              {keys: "attention.head_count_kv=4 attention.relative_buckets_count=8 decoder_start_token_id=5 decoder_block_count=3"},
	"umt5":            {arch: "t5", keys: "attention.head_count_kv=4 attention.relative_buckets_count=8", have: "attn_rel_b.weight output.weight"},
	"t5-gated":        {arch: "t5", keys: "attention.head_count_kv=4 attention.relative_buckets_count=6", have: "ffn_gate.weight output.weight"},
	"apertus":         {have: "rope_freqs.weight"},
	"gemma3n":         {keys: "block_count=5 attention.sliding_window=5 attention.sliding_window_pattern=[true,false,true,true,false] attention.shared_kv_layers=2 altup.num_inputs=3 embedding_length_per_layer_input=6 rope.freq_base_swa=500.0 activation_sparsity_scale=[0.5,0.0,-Inf,-Inf,-Inf] final_logit_softcapping=3.0", have: "attn_v.weight"},
	"gemma4":          {keys: "block_count=4 attention.sliding_window=5 attention.sliding_window_pattern=[true,false,true,false] attention.shared_kv_layers=2 attention.key_length=12 attention.key_length_swa=8 attention.value_length_swa=8 rope.dimension_count_swa=8 embedding_length_per_layer_input=6", have: "attn_v.weight layer_output_scale.weight rope_freqs.weight"},
	"gemma4-experts":  {arch: "gemma4", keys: "attention.sliding_window=5 attention.sliding_window_pattern=[true,false] expert_count=5 expert_used_count=2 expert_feed_forward_length=12", have: "ffn_gate_inp.weight ffn_gate_up_exps.weight ffn_down_exps.scale"},
	"gemma4-shared":   {arch: "gemma4", keys: "block_count=4 attention.sliding_window=5 attention.sliding_window_pattern=[true,false,true,false] attention.shared_kv_layers=2"},
	"gemma4-plain":    {arch: "gemma4", keys: "attention.sliding_window=5 attention.sliding_window_pattern=[true,false]"},
	"bitnet":          {},
	"deepseek":        {keys: "expert_count=5 expert_used_count=2 expert_feed_forward_length=12 leading_dense_block_count=1 expert_shared_count=2"},
	"exaone":          {have: "rope_freqs.weight"},
	"internlm2":       {},
	"hunyuan-moe":     {keys: "expert_count=5 expert_used_count=2 expert_feed_forward_length=12 expert_shared_feed_forward_length=20"},
	"minicpm":         {keys: "embedding_scale=12.0 residual_scale=0.22 logit_scale=8.0 rope.scaling.type=longrope", have: "rope_factors_long.weight"},
	"minicpm3":        {keys: "attention.head_count_kv=4 attention.q_lora_rank=10 attention.kv_lora_rank=16 attention.key_length=12 rope.dimension_count=4", have: "attn_kv_b.weight rope_factors_long.weight"},
	"bailingmoe":      {keys: "expert_count=5 expert_used_count=2 expert_feed_forward_length=12 leading_dense_block_count=1 expert_shared_count=2 expert_weights_norm=true"},
	"bailingmoe2":     {keys: "expert_count=6 expert_used_count=2 expert_feed_forward_length=12 leading_dense_block_count=1 expert_shared_count=1 expert_gating_func=2 expert_weights_norm=true expert_weights_scale=2.5 rope.dimension_count=4", have: "exp_probs_b.bias"},
	"orion":           {have: "ffn_norm.weight"},
	"baichuan":        {keys: "block_count=32"},
	"baichuan-13b":    {arch: "baichuan", keys: "block_count=40"},
	"deepseek2":       {keys: latentKeys + " attention.key_length=20 attention.value_length=16 attention.key_length_mla=12 attention.value_length_mla=6"},
	"deepseek2-whole": {arch: "deepseek2", keys: latentKeys + " attention.head_count_kv=4 attention.key_length=12 attention.value_length=6", have: "attn_kv_b.weight exp_probs_b.bias"},
	"mpt":             {keys: "attention.max_alibi_bias=8.0 attention.clamp_kqv=0.5", have: "attn_q_norm.weight attn_q_norm.bias"},
}

// latentKeys are those of models with multi-head latent attention, with 8 elements of a head's key that are not rotated and 4 that are.
const latentKeys = "attention.head_count_kv=1 attention.q_lora_rank=10 attention.kv_lora_rank=16 rope.dimension_count=4 expert_count=6 expert_used_count=2 " +
	"expert_feed_forward_length=12 expert_shared_count=1 leading_dense_block_count=1 expert_group_count=3 expert_group_used_count=2 expert_weights_scale=1.5 " +
	"rope.scaling.type=yarn rope.scaling.factor=4.0 rope.scaling.yarn_log_multiplier=0.1"

// encoders are models that predict no tokens.
var encoders = map[string]family{
	"bert":       {keys: "attention.causal=false attention.head_count_kv=4", have: "token_types.weight attn_q.bias attn_k.bias attn_v.bias attn_output.bias ffn_up.bias ffn_down.bias cls.weight cls.bias cls.output.weight cls.output.bias"},
	"nomic-bert": {keys: "attention.causal=false attention.head_count_kv=4 rope.freq_base=500.0", have: "token_types.weight attn_qkv.weight"},
	"nomic-bert-moe": {keys: "attention.causal=false attention.head_count_kv=4 rope.freq_base=500.0 expert_count=5 expert_used_count=2 moe_every_n_layers=2",
		have: "token_types.weight attn_qkv.weight attn_qkv.bias attn_output.bias ffn_up.bias ffn_down.bias blk.1.ffn_gate_inp.weight"},
	"jina-bert-v2":    {keys: "attention.causal=false attention.head_count_kv=4", have: "token_types.weight attn_q.bias attn_k.bias attn_v.bias attn_output.bias ffn_down.bias"},
	"jina-bert-v3":    {keys: "attention.causal=false attention.head_count_kv=4 rope.freq_base=500.0", have: "token_types.weight attn_qkv.weight attn_qkv.bias attn_output.bias ffn_up.bias ffn_down.bias"},
	"neo-bert":        {keys: "attention.causal=false attention.head_count_kv=4 rope.freq_base=500.0 rope.scaling.type=none", have: "cls.weight cls.bias cls.output.weight"},
	"eurobert":        {keys: "attention.causal=false rope.freq_base=500.0 rope.scaling.type=none"},
	"gemma-embedding": {keys: "attention.sliding_window=4 attention.sliding_window_pattern=2 rope.freq_base_swa=500.0 dense_2_feat_in=24 dense_2_feat_out=30 dense_3_feat_in=30 dense_3_feat_out=24"},
	"modern-bert": {keys: "block_count=3 attention.causal=false attention.head_count_kv=4 attention.sliding_window=4 rope.freq_base_swa=500.0",
		have: "cls.weight cls.norm.weight cls.output.weight cls.output.bias"},
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
