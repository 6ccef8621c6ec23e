package recipe

import (
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// keep says why a tensor stays as it is, or "".
func (r *Recipe) keep(t gguf.TensorInfo) string {
	switch {
	case r.opts.LeaveOutputTensor && t.Name == "output.weight":
		return byLeaveOutputTensor
	case r.opts.KeepQuantized && t.Type.Quantized():
		return "--keep-quantized"
	}
	return r.reserved(t)
}

// reserved says why no file type and no option quantizes a tensor, or "".
func (r *Recipe) reserved(t gguf.TensorInfo) string {
	n, parts := t.Name, keptParts
	if r.arch == glm5Next {
		parts = slices.Concat(keptParts, keptPartsGLM5)
	}
	switch {
	case t.Dims() < 2:
		return "one dimension"
	case !strings.HasSuffix(n, "weight"):
		return "no weight matrix"
	case strings.Contains(n, "_norm.weight"):
		return "norm"
	case n == "position_embd.weight" || n == "token_types.weight":
		return "position or type embedding"
	}
	for _, s := range parts {
		if strings.Contains(n, s) {
			return "kept: " + strings.Trim(s, "._")
		}
	}
	return ""
}

// keptParts are parts of the names of tensors that are small and sensitive.
var keptParts = []string{
	"ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "altup", "laurel", "per_layer_model_proj", "ssm_conv1d", "shortconv.conv.weight",
	"indexer.k_proj.weight", "indexer.q_proj.weight",
	"time_mix_first.weight", "time_mix_w0.weight", "time_mix_w1.weight", "time_mix_w2.weight", "time_mix_v0.weight", "time_mix_v1.weight",
	"time_mix_v2.weight", "time_mix_a0.weight", "time_mix_a1.weight", "time_mix_a2.weight", "time_mix_g1.weight", "time_mix_g2.weight",
	"time_mix_decay_w1.weight", "time_mix_decay_w2.weight", "time_mix_lerp_fused.weight",
	"attn_rel_b.weight", ".position_embd", "sam.pos_embd", "sam.neck.", "sam.net_", ".rel_pos", ".patch_embd", ".patch_merger",
	"a.rvq.codebook", "mm.a.code_embd",
}

const glm5Next = "glm5-next"

// keptPartsGLM5 are those of that architecture besides.
var keptPartsGLM5 = []string{
	"hc_", "indexer.attn_q_b", "indexer.attn_k", "indexer.proj", "indexer_compressor_gate", "indexer_compressor_ape",
	"ssm_f_a.weight", "ssm_f_b.weight", "ssm_g_a.weight", "ssm_g_b.weight", "ssm_beta.weight",
	"attn_kv_a_mqa.weight", "attn_k_b.weight", "attn_v_b.weight",
}
