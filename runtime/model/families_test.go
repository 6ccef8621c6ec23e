package model

import (
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
	"gemma":          {},
	"gemma2":         {keys: "attn_logit_softcapping=2.0 final_logit_softcapping=3.0 attention.sliding_window=5"},
	"olmo":           {keys: "attention.clamp_kqv=0.5", have: "output.weight"},
	"olmo2":          {},
	"olmo3":          {arch: "olmo2", keys: "attention.sliding_window=5 attention.sliding_window_pattern=[true,false] rope.freq_base_swa=500.0 rope.scaling.type=yarn rope.scaling.factor=4.0"},
	"smollm3":        {keys: "block_count=4"},
	"granite":        {keys: "embedding_scale=12.0 residual_scale=0.22 attention.scale=0.2 logit_scale=8.0"},
	"granitemoe":     {keys: "embedding_scale=12.0 residual_scale=0.22 attention.scale=0.2 logit_scale=8.0 expert_count=5 expert_used_count=2"},
	"arcee":          {},
	"seed_oss":       {have: "attn_q.bias attn_k.bias attn_v.bias"},
	"chatglm":        {keys: "rope.dimension_count=4", have: "attn_qkv.weight attn_qkv.bias"},
	"glm4":           {keys: "rope.dimension_count=4"},
	"stablelm":       {keys: "rope.dimension_count=2", have: "ffn_norm.weight"},
	"stablelm-side":  {arch: "stablelm", keys: "rope.dimension_count=2", have: "attn_q_norm.weight"},
	"starcoder":      {keys: "attention.head_count_kv=1"},
	"starcoder2":     {},
	"phi2":           {keys: "rope.dimension_count=4", have: "output.weight output.bias attn_qkv.weight"},
	"gptneox":        {keys: "rope.dimension_count=4"},
	"gptneox-serial": {arch: "gptneox", keys: "use_parallel_residual=false"},
	"falcon":         {},
	"falcon-40b":     {arch: "falcon", have: "attn_norm_2.weight"},
	"command-r":      {keys: "logit_scale=0.5", have: "attn_q_norm.weight"},
	"cohere2":        {keys: "logit_scale=0.5 attention.sliding_window=5 attention.sliding_window_pattern=2"},
	"exaone4":        {keys: "attention.sliding_window=5 attention.sliding_window_pattern=2"},
	"hunyuan-dense":  {},
	"nemotron":       {keys: "rope.dimension_count=4"},
	"qwen2vl":        {keys: "rope.dimension_sections=[1,1,2,0]"},
	"qwen3vl":        {keys: "rope.dimension_sections=[1,1,2,0] n_deepstack_layers=1"},
	"qwen3vlmoe":     {keys: "rope.dimension_sections=[1,1,2,0] expert_count=5 expert_used_count=2"},
	"mistral3":       {keys: "attention.temperature_scale=0.5 rope.scaling.type=yarn rope.scaling.factor=4.0 rope.scaling.original_context_length=4 rope.scaling.yarn_log_multiplier=1.0"},
	"bloom":          {},
	"mpt":            {keys: "attention.max_alibi_bias=8.0 attention.clamp_kqv=0.5", have: "attn_q_norm.weight attn_q_norm.bias"},
}

// invented builds a family's model.
func invented(t *testing.T, name string) *fake {
	t.Helper()
	c := families[name]
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
	for _, name := range slices.Sorted(maps.Keys(families)) {
		t.Run(name, func(t *testing.T) {
			sound := invented(t, name)
			require.NoError(t, Check(sound))
			for i, x := range sound.tensors {
				tensor := *x.(*fakeTensor)
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
