package recipe

import (
	"fmt"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

func (ft FileType) in(list ...FileType) bool {
	for _, f := range list {
		if f == ft {
			return true
		}
	}
	return false
}

// lowBit are the file types of about two bits and less, which have rules of their own.
func (ft FileType) lowBit() bool { return ft.in(IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ2_M) }

func contains(name string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(name, p) {
			return true
		}
	}
	return false
}

// more is true for the first and last eighth of n layers and every third in between.
func more(i, n int) bool { return i < n/8 || i >= 7*n/8 || (i-n/8)%3 == 2 }

// layer is the index of a feed-forward tensor that rules compare with the number of layers: with experts the number in
// the name, since one layer then has many such tensors; else how many of its kind came before.
func (r *Recipe) layer(name string, cat category) (int, error) {
	i := r.ffn[cat]
	r.ffn[cat]++
	if r.experts <= 1 {
		return i, nil
	}
	n := LayerOf(name)
	if n < 0 {
		return 0, fmt.Errorf("tensor %s: the rules of file type %s need the layer of a feed-forward tensor in a model with experts, and the name has none (blk.N.): "+
			"give its type with --tensor-type, or use --pure", name, r.fileType)
	}
	if n >= r.layers {
		return 0, fmt.Errorf("tensor %s is in layer %d, but the model has %d layers (%s.block_count)", name, n, r.layers, r.arch)
	}
	return n, nil
}

// rule applies the preset's rules in the reference's order (llama-quant.cpp). It fails where the layer of a tensor
// decides and cannot be told.
func (r *Recipe) rule(t gguf.TensorInfo, cat category) (want gguf.Type, why string, err error) {
	ft := r.fileType
	want, why = r.def, "default"
	switch {
	case r.arch == glm5Next && contains(t.Name, "attn_q_a", "attn_q_b", "nextn.eh_proj"):
		want, why = gguf.Q8_0, "queries of a compressed attention"
	case cat == output || cat == tokenEmbedding && r.tied:
		want, why = r.outputRule(t)
	case ft == MXFP4MoE:
		want, why = r.expertRule(t, cat)
	case cat == tokenEmbedding:
		want, why = r.embeddingRule()
	case ft.lowBit():
		want, why = r.lowBitRule(cat)
	case cat.valueLike():
		want, why = r.valueRule()
	case cat == attnK && r.experts == 8:
		want, why = gguf.Q8_0, "keys of 8 experts"
	case cat == attnK || cat == attnQ:
		switch ft {
		case IQ3_XS:
			want, why = gguf.IQ3_XXS, "keys and queries"
		case IQ3_XXS:
			want, why = gguf.IQ2_S, "keys and queries"
		}
	case cat == attnOutput:
		want, why = r.attnOutputRule()
	case cat == ffnDown || cat == ffnGate || cat == ffnUp:
		i, err := r.layer(t.Name, cat)
		if err != nil {
			return want, why, err
		}
		if cat == ffnDown {
			want, why = r.downRule(i)
		} else {
			want, why = r.middleRule(i)
		}
	}
	return want, why, nil
}

// expertRule is MXFP4_MOE's, which looks for stacked matrices. Those of an attention that are stacked, too, one a head,
// are told from experts for one architecture only.
func (r *Recipe) expertRule(t gguf.TensorInfo, cat category) (gguf.Type, string) {
	expert := r.arch != "bailingmoe3" || cat == ffnUp || cat == ffnGate || cat == ffnDown
	if expert && len(t.Shape) > 2 && t.Shape[2] > 1 {
		return gguf.MXFP4, "experts"
	}
	return gguf.Q8_0, "no experts"
}

func (r *Recipe) embeddingRule() (gguf.Type, string) {
	const why = "token embedding"
	switch ft := r.fileType; {
	case ft.in(IQ2_XXS, IQ2_XS, IQ1_S, IQ1_M):
		return gguf.Q2_K, why
	case ft.in(IQ2_S, IQ2_M, IQ3_XXS):
		return gguf.IQ3_S, why
	case ft.in(TQ1_0, TQ2_0, Q2_0):
		return gguf.Q4_K, why
	}
	return r.def, "default"
}

func (r *Recipe) outputRule(t gguf.TensorInfo) (gguf.Type, string) {
	why := "output"
	if r.tied {
		why = "token embedding, also output"
	}
	switch {
	case r.opts.OutputTensorType != nil:
		return *r.opts.OutputTensorType, "--output-tensor-type"
	case r.fileType == MXFP4MoE:
		return gguf.Q8_0, why
	case r.falcon || t.Cols()%int64(r.def.BlockSize()) != 0:
		return gguf.Q8_0, why
	case r.fileType.in(IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ2_M, IQ3_XXS):
		return gguf.Q5_K, why
	case r.def != gguf.Q8_0:
		return gguf.Q6_K, why
	}
	return r.def, "default"
}

func (r *Recipe) lowBitRule(cat category) (gguf.Type, string) {
	ft := r.fileType
	twoBit := ft.in(IQ2_S, IQ2_M)
	strong := gguf.Q2_K
	if twoBit {
		strong = gguf.IQ3_S
	}
	switch {
	case cat.valueLike():
		r.wv.i++
		if r.gqa >= 4 || r.experts >= 4 {
			return gguf.Q4_K, "values"
		}
		return strong, "values"
	case cat == attnK && r.experts == 8:
		return gguf.Q4_K, "keys of 8 experts"
	case cat == ffnDown:
		i := r.ffn[cat] // a plain counter here, also with experts
		r.ffn[cat]++
		if i < r.layers/8 {
			return strong, "ffn_down, first layers"
		}
	case cat == attnOutput:
		switch {
		case r.experts == 8:
			return gguf.Q5_K, "attention output of 8 experts"
		case ft.in(IQ1_S, IQ1_M):
			return gguf.IQ2_XXS, "attention output"
		case twoBit:
			return gguf.IQ3_S, "attention output"
		}
	}
	return r.def, "default"
}

func (r *Recipe) valueRule() (gguf.Type, string) {
	ft, want, why := r.fileType, r.def, "default"
	set := func(t gguf.Type) { want, why = t, "values" }
	grouped := r.gqa >= 4
	switch {
	case ft == Q2_K && grouped, ft == Q2_K_S && grouped:
		set(gguf.Q4_K)
	case ft == Q2_K:
		set(gguf.Q3_K)
	case ft == IQ3_XXS && grouped:
		set(gguf.Q4_K)
	case ft == IQ3_XXS && r.opts.HasImatrix:
		set(gguf.IQ3_XXS)
	case ft == IQ3_XXS:
		set(gguf.IQ3_S)
	case ft.in(IQ3_XS, IQ3_S) && grouped, ft == IQ3_M:
		set(gguf.Q4_K)
	case ft == Q3_K_M && r.wv.i < 2:
		set(gguf.Q5_K)
	case ft == Q3_K_M:
		set(gguf.Q4_K)
	case ft == Q3_K_L, ft.in(IQ4_NL, IQ4_XS) && grouped:
		set(gguf.Q5_K)
	case ft.in(Q4_K_M, Q5_K_M) && more(r.wv.i, r.wv.n):
		set(gguf.Q6_K)
	case ft == Q4_K_S && r.wv.i < 4:
		set(gguf.Q5_K)
	}
	if r.large && (want == gguf.Q3_K || want == gguf.Q4_K) {
		// Eight query heads share a value head there, so a few more bits cost little.
		want, why = gguf.Q5_K, "values of a 70B model"
	}
	if r.experts == 8 {
		want, why = gguf.Q8_0, "values of 8 experts"
	}
	r.wv.i++
	return want, why
}

func (r *Recipe) downRule(i int) (gguf.Type, string) {
	ft, n := r.fileType, r.layers
	early := i < n/8
	const why, whyEarly, whyMore = "ffn_down", "ffn_down, first layers", "ffn_down, chosen layers"
	switch {
	case ft == Q2_K:
		return gguf.Q3_K, why
	case ft == Q2_K_S && early:
		return gguf.Q4_K, whyEarly
	case ft == IQ3_XXS && !r.opts.HasImatrix:
		if early {
			return gguf.Q4_K, whyEarly
		}
		return gguf.Q3_K, why
	case ft == Q3_K_M:
		switch {
		case i < n/16:
			return gguf.Q5_K, whyEarly
		case !r.falcon || more(i, n):
			return gguf.Q4_K, why
		}
		return gguf.Q3_K, why
	case ft == IQ3_M && (early || r.experts == 8 && more(i, n)):
		return gguf.Q4_K, whyMore
	case ft == Q3_K_L && r.falcon:
		return gguf.Q4_K, why
	case ft == Q3_K_L:
		return gguf.Q5_K, why
	case ft == Q4_K_M && r.falcon:
		switch {
		case i < n/16:
			return gguf.Q6_K, whyEarly
		case more(i, n):
			return gguf.Q5_K, whyMore
		}
		return gguf.Q4_K, why
	case ft.in(Q4_K_M, Q5_K_M) && more(i, n):
		return gguf.Q6_K, whyMore
	case early && ft.in(IQ4_NL, IQ4_XS) && !r.opts.HasImatrix:
		return gguf.Q5_K, whyEarly
	case ft == Q4_K_S && !r.falcon && early:
		return gguf.Q5_K, whyEarly
	case ft == Q4_0 && r.opts.HasImatrix && early:
		return gguf.Q4_1, whyEarly
	case ft == Q5_0 && r.opts.HasImatrix && early:
		return gguf.Q5_1, whyEarly
	}
	return r.def, "default"
}

func (r *Recipe) attnOutputRule() (gguf.Type, string) {
	ft := r.fileType
	const why = "attention output"
	switch {
	case r.falcon:
		if ft == Q3_K_L {
			return gguf.Q4_K, why
		}
	case r.experts == 8:
		if ft.in(Q2_K, IQ3_XS, IQ3_XXS, Q3_K_S, Q3_K_M, IQ4_NL, Q4_K_S, Q4_K_M, IQ3_S, IQ3_M, IQ4_XS) {
			return gguf.Q5_K, why + " of 8 experts"
		}
	case ft == Q2_K:
		return gguf.Q3_K, why
	case ft == IQ3_XXS:
		return gguf.IQ3_S, why
	case ft.in(Q3_K_M, IQ3_M):
		return gguf.Q4_K, why
	case ft == Q3_K_L:
		return gguf.Q5_K, why
	}
	return r.def, "default"
}

// middleRule is for ffn_gate and ffn_up, which bear fewer bits away from both ends.
func (r *Recipe) middleRule(i int) (gguf.Type, string) {
	if n := r.layers; r.fileType == IQ3_XS && i >= n/8 && i < 7*n/8 {
		return gguf.IQ3_XXS, "ffn, middle layers"
	}
	return r.def, "default"
}
