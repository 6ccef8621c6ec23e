package gate

import (
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

func TestStructure(t *testing.T) {
	p := policy(t, `{metric: findings, value: 0}`,
		"model: {expect_arch: llama, require: [chat_template, tokenizer_pre, general.name]}",
		"target: {types: [Q4_K, Q6_K, F32], min_type: {token_embd: Q5_0, attn_v: Q6_K, ffn_up: Q4_K, output: Q6_K}}")
	md := &gguf.Metadata{}
	md.Set("general.architecture", "qwen2")
	md.Set("general.name", "n")
	md.Set("tokenizer.ggml.pre", "")
	info := func(name string, ty gguf.Type) gguf.TensorInfo {
		return gguf.TensorInfo{Name: name, Type: ty, Shape: []int64{256, 2}}
	}
	found := Structure(p, "m.gguf", md, []gguf.TensorInfo{info("token_embd.weight", gguf.Q4_K), info("blk.0.attn_v.weight", gguf.Q4_K), info("blk.1.attn_v.weight", gguf.Q8_0), info("output_norm.weight", gguf.F32)})
	var got []string
	for _, f := range found {
		require.Equal(t, "m.gguf", f.Model)
		require.Equal(t, report.Error, f.Level)
		got = append(got, f.Rule+": "+f.Message)
	}
	require.Equal(t, []string{
		`architecture-mismatch: the architecture is "qwen2", the policy expects "llama"`,
		`metadata-missing: the metadata has no tokenizer.chat_template, which the policy requires`,
		`metadata-missing: the metadata has no tokenizer.ggml.pre, which the policy requires`,
		`tensor-type-not-allowed: blk.1.attn_v.weight is Q8_0, which is not in the types that the policy allows`,
		`tensor-type-too-small: token_embd.weight is Q4_K of 4.5 bits a weight, the policy asks for at least Q5_0 of 5.5`,
		`tensor-type-too-small: blk.0.attn_v.weight is Q4_K of 4.5 bits a weight, the policy asks for at least Q6_K of 6.562`,
		`tensor-missing: no tensor is named ffn_up, for which the policy has a least type`,
	}, got)
	require.Empty(t, Structure(policy(t, `{metric: findings, value: 0}`), "m", md, nil))
}

func TestInputs(t *testing.T) {
	a, b := strings.Repeat("a", 64), strings.Repeat("b", 64)
	p := policy(t, `{metric: findings, value: 0}`, "data: {calib: sha256:"+a+", forbid_overlap: true, eval: [{name: x, sha256: "+a+"}, {path: y.txt, sha256: "+a+"}, {path: z}]}")
	rules := func(sums []string, c *report.Calibration) (out []string) {
		for _, f := range Inputs(p, sums, c) {
			out = append(out, f.Rule+" "+f.Level)
		}
		return out
	}
	require.Empty(t, rules([]string{a, a, b}, nil))
	require.Equal(t, []string{"data-mismatch error"}, rules([]string{a, b, b}, nil))
	require.Equal(t, []string{"data-mismatch error"}, rules(nil, &report.Calibration{SHA256: b}))
	require.Equal(t, []string{"data-overlap error"}, rules(nil, &report.Calibration{SHA256: a, Overlap: 0.2}))
	require.Equal(t, []string{"data-overlap warn"}, rules(nil, &report.Calibration{SHA256: a, Overlap: 0.001}))
}
