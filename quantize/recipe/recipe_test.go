package recipe

import (
	"slices"
	"strconv"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/stretchr/testify/require"
)

func TestParseFileType(t *testing.T) {
	for s, want := range map[string]FileType{
		"Q4_K_M": Q4_K_M, "q4_k_m": Q4_K_M, "Q4_K": Q4_K_M, "q5_K": Q5_K_M, "q3_k": Q3_K_M, "15": Q4_K_M, "0": F32,
		"copy": Copy, "mxfp4_moe": MXFP4MoE, "IQ2_M": IQ2_M,
	} {
		ft, err := ParseFileType(s)
		require.NoError(t, err, s)
		require.Equal(t, want, ft, s)
	}
	// 4 to 6 and 33 to 35 were retired, 39 cannot be chosen; COPY has no number.
	for _, s := range []string{"", "Q4", "4", "33", "39", "-1", "2147483648", "Q4_K_M "} {
		_, err := ParseFileType(s)
		require.Error(t, err, s)
		require.ErrorContains(t, err, "unknown file type")
		require.Contains(t, err.Error()+hint.Of(err), "Q4_", "a near name, or all")
	}
	for _, name := range Names() {
		ft, err := ParseFileType(name)
		require.NoError(t, err)
		require.Equal(t, name, ft.String())
		require.True(t, ft.Default().Valid())
	}
}

func TestParseTensorType(t *testing.T) {
	tt, err := ParseTensorType(`blk\.\d+\.ffn_\S=q6_k`)
	require.NoError(t, err)
	require.Equal(t, gguf.Q6_K, tt.Type)
	require.Equal(t, `blk\.\d+\.ffn_\S`, tt.Pattern.String(), "kept as it is")
	for _, s := range []string{"", "x", "=q6_k", "x=q6", "(=q6_k"} {
		_, err := ParseTensorType(s)
		require.Error(t, err, s)
	}
}

func TestCompare(t *testing.T) {
	names := []string{"blk.10.a", "token_embd.weight", "blk.2.b", "blk.2.a", "output.weight", "enc.blk.0.a", "blk.x.a"}
	slices.SortFunc(names, Compare)
	require.Equal(t, []string{"blk.x.a", "enc.blk.0.a", "output.weight", "token_embd.weight", "blk.2.a", "blk.2.b", "blk.10.a"}, names)
}

// model lists the matrices of a small transformer; experts 0 makes it dense.
func model(arch string, layers, heads, kv, experts int, tied bool) (*gguf.Metadata, []gguf.TensorInfo) {
	md := &gguf.Metadata{}
	md.Set("general.architecture", arch)
	md.Set(arch+".block_count", uint32(layers))
	md.Set(arch+".attention.head_count", uint32(heads))
	md.Set(arch+".attention.head_count_kv", uint32(kv))
	var ts []gguf.TensorInfo
	add := func(name string, shape ...int64) {
		ts = append(ts, gguf.TensorInfo{Name: name, Type: gguf.F16, Shape: shape})
	}
	if !tied {
		add("output.weight", 512, 8)
	}
	add("token_embd.weight", 512, 8)
	suffix, more := ".weight", []int64{}
	if experts > 0 {
		md.Set(arch+".expert_count", uint32(experts))
		suffix, more = "_exps.weight", []int64{int64(experts)}
	}
	for i := range layers {
		p := "blk." + strconv.Itoa(i) + "."
		for _, n := range []string{"attn_k", "attn_output", "attn_q", "attn_v"} {
			add(p+n+".weight", 512, 8)
		}
		for _, n := range []string{"ffn_down", "ffn_gate", "ffn_up"} {
			add(p+n+suffix, append([]int64{512, 8}, more...)...)
		}
		if experts > 0 {
			add(p+"ffn_gate_inp.weight", 512, 8)
		}
	}
	slices.SortFunc(ts, func(a, b gguf.TensorInfo) int { return Compare(a.Name, b.Name) })
	return md, ts
}

// decide gives the types by name.
func decide(t *testing.T, ft FileType, md *gguf.Metadata, ts []gguf.TensorInfo, o Options) map[string]Decision {
	t.Helper()
	r, out := New(ft, md, ts, o), map[string]Decision{}
	for _, info := range ts {
		d, err := r.Next(info)
		require.NoError(t, err)
		out[info.Name] = d
	}
	return out
}

func TestRulesThatNoSchemaCovers(t *testing.T) {
	dense := func(arch string, layers, kv int) func() (*gguf.Metadata, []gguf.TensorInfo) {
		return func() (*gguf.Metadata, []gguf.TensorInfo) { return model(arch, layers, 8, kv, 0, false) }
	}
	mixtral := func() (*gguf.Metadata, []gguf.TensorInfo) { return model("llama", 8, 8, 2, 8, false) }
	for _, c := range []struct {
		what    string
		model   func() (*gguf.Metadata, []gguf.TensorInfo)
		ft      FileType
		imatrix bool
		tensor  string
		want    gguf.Type
	}{
		{"8 experts, values", mixtral, Q4_K_M, false, "blk.4.attn_v.weight", gguf.Q8_0},
		{"8 experts, keys", mixtral, Q4_K_M, false, "blk.4.attn_k.weight", gguf.Q8_0},
		{"8 experts, keys in two bits", mixtral, IQ2_XS, true, "blk.4.attn_k.weight", gguf.Q4_K},
		{"8 experts, attention output", mixtral, Q4_K_M, false, "blk.4.attn_output.weight", gguf.Q5_K},
		{"8 experts, attention output, no such rule", mixtral, Q5_K_M, false, "blk.4.attn_output.weight", gguf.Q5_K},
		{"router", mixtral, Q4_K_M, false, "blk.4.ffn_gate_inp.weight", gguf.F16},
		{"experts are stacked", mixtral, MXFP4MoE, false, "blk.4.ffn_up_exps.weight", gguf.MXFP4},
		{"what is not stacked", mixtral, MXFP4MoE, false, "blk.4.attn_q.weight", gguf.Q8_0},
		{"Q4_0 with imatrix, first layers", dense("llama", 8, 2), Q4_0, true, "blk.0.ffn_down.weight", gguf.Q4_1},
		{"Q4_0 with imatrix, later", dense("llama", 8, 2), Q4_0, true, "blk.1.ffn_down.weight", gguf.Q4_0},
		{"Q4_0 without imatrix", dense("llama", 8, 2), Q4_0, false, "blk.0.ffn_down.weight", gguf.Q4_0},
		{"Q5_0 with imatrix", dense("llama", 8, 2), Q5_0, true, "blk.0.ffn_down.weight", gguf.Q5_1},
		{"IQ4_XS with imatrix", dense("llama", 8, 2), IQ4_XS, true, "blk.0.ffn_down.weight", gguf.IQ4_XS},
		{"IQ4_XS without", dense("llama", 8, 2), IQ4_XS, false, "blk.0.ffn_down.weight", gguf.Q5_K},
		{"IQ3_XXS values with imatrix", dense("llama", 8, 8), IQ3_XXS, true, "blk.3.attn_v.weight", gguf.IQ3_XXS},
		{"IQ3_XXS values without", dense("llama", 8, 8), IQ3_XXS, false, "blk.3.attn_v.weight", gguf.IQ3_S},
		{"70B", dense("llama", 80, 1), Q4_K_S, false, "blk.40.attn_v.weight", gguf.Q5_K},
		{"80 layers without shared heads", dense("llama", 80, 8), Q4_K_S, false, "blk.40.attn_v.weight", gguf.Q4_K},
		{"80 layers of another family", dense("gemma", 80, 1), Q4_K_S, false, "blk.40.attn_v.weight", gguf.Q4_K},
		{"falcon output", dense("falcon", 16, 8), Q4_K_M, false, "output.weight", gguf.Q8_0},
		{"falcon ffn_down first", dense("falcon", 16, 8), Q4_K_M, false, "blk.0.ffn_down.weight", gguf.Q6_K},
		{"falcon ffn_down early", dense("falcon", 16, 8), Q4_K_M, false, "blk.1.ffn_down.weight", gguf.Q5_K},
		{"falcon Q3_K_L", dense("falcon", 16, 8), Q3_K_L, false, "blk.5.attn_output.weight", gguf.Q4_K},
	} {
		md, ts := c.model()
		d := decide(t, c.ft, md, ts, Options{HasImatrix: c.imatrix})
		require.Equal(t, c.want, d[c.tensor].Type, c.what)
	}
}

func TestOverrides(t *testing.T) {
	q8, q6 := gguf.Q8_0, gguf.Q6_K
	md, ts := model("llama", 8, 8, 2, 0, false)

	d := decide(t, Q4_K_M, md, ts, Options{Pure: true})
	require.Equal(t, gguf.Q4_K, d["output.weight"].Type)
	d = decide(t, Q4_K_M, md, ts, Options{LeaveOutputTensor: true})
	require.Equal(t, gguf.F16, d["output.weight"].Type)
	d = decide(t, Q4_K_M, md, ts, Options{OutputTensorType: &q8, TokenEmbeddingType: &q6})
	require.Equal(t, q8, d["output.weight"].Type)
	require.Equal(t, q6, d["token_embd.weight"].Type)
	d = decide(t, F16, md, ts, Options{TensorTypes: []TensorType{pattern(t, "attn=q8_0")}})
	require.Equal(t, gguf.F16, d["blk.0.attn_q.weight"].Type, "patterns do not concern plain floats")

	// The first pattern wins, and a tensor it fixes is not counted by the rules: the value matrix after it
	// is the first of eight still.
	o := Options{TensorTypes: []TensorType{pattern(t, `blk\.0\.attn_v=q8_0`), pattern(t, "attn_v.weight$=q6_k")}}
	o.TensorTypes = o.TensorTypes[:1]
	d = decide(t, Q4_K_M, md, ts, o)
	require.Equal(t, q8, d["blk.0.attn_v.weight"].Type)
	require.Equal(t, gguf.Q6_K, d["blk.1.attn_v.weight"].Type)
	require.Equal(t, gguf.Q4_K, decide(t, Q4_K_M, md, ts, Options{})["blk.1.attn_v.weight"].Type)
	o.TensorTypes = append(o.TensorTypes, pattern(t, "attn_v=q3_k"))
	require.Equal(t, q8, decide(t, Q4_K_M, md, ts, o)["blk.0.attn_v.weight"].Type)

	// A tied embedding is the output.
	md, ts = model("llama", 8, 8, 2, 0, true)
	d = decide(t, Q4_K_M, md, ts, Options{OutputTensorType: &q8})
	require.Equal(t, q8, d["token_embd.weight"].Type)
	require.Equal(t, gguf.Q6_K, decide(t, Q4_K_M, md, ts, Options{})["token_embd.weight"].Type)
}

func pattern(t *testing.T, s string) TensorType {
	t.Helper()
	tt, err := ParseTensorType(s)
	require.NoError(t, err)
	return tt
}

func TestFallbacks(t *testing.T) {
	q6 := gguf.Q6_K
	for _, c := range []struct {
		ft   FileType
		cols int64
		want gguf.Type // F64: refused
	}{
		{Q4_K_M, 512, gguf.Q4_K}, {Q4_K_M, 96, gguf.Q5_0}, {Q5_K_M, 96, gguf.Q5_1}, {Q6_K, 96, gguf.Q8_0}, {Q3_K_S, 96, gguf.Q4_0},
		{IQ2_XS, 96, gguf.IQ4_NL}, {TQ1_0, 96, gguf.Q4_0}, {Q2_0, 96, gguf.Q4_0}, {Q4_K_M, 33, gguf.F16},
		{Q8_0, 33, gguf.F16}, {Q4_0, 33, gguf.F16}, {IQ4_NL, 33, gguf.F16}, {Q1_0, 96, gguf.F64},
	} {
		ts := []gguf.TensorInfo{{Name: "blk.0.x.weight", Type: gguf.F32, Shape: []int64{c.cols, 4}}}
		md, _ := model("llama", 1, 1, 1, 0, true)
		d, err := New(c.ft, md, ts, Options{}).Next(ts[0])
		if c.want == gguf.F64 {
			require.ErrorContains(t, err, "blk.0.x.weight", "%v", c.ft)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, d.Type, "%v of %d", c.ft, c.cols)
		require.Equal(t, c.cols != 512, d.Fallback)
		_, err = New(c.ft, md, ts, Options{NoFallback: true}).Next(ts[0])
		require.Equal(t, c.cols != 512, err != nil)
	}
	md, _ := model("llama", 1, 1, 1, 0, true)
	embd := gguf.TensorInfo{Name: "token_embd.weight", Type: gguf.F32, Shape: []int64{96, 4}}
	_, err := New(Q8_0, md, []gguf.TensorInfo{embd}, Options{TokenEmbeddingType: &q6}).Next(embd)
	require.ErrorContains(t, err, "was asked for", "these options know no fallback")
}

// TestLayersOfExperts: in a model with experts some rules read the layer in the name, and fail where there is none.
func TestLayersOfExperts(t *testing.T) {
	md, ts := model("qwen3moe", 4, 8, 2, 16, false)
	for name, want := range map[string]string{
		"enc.ffn_down.weight": "the name has none", "blk.4.ffn_up_exps.weight": "the model has 4 layers (qwen3moe.block_count)",
	} {
		x := gguf.TensorInfo{Name: name, Type: gguf.F16, Shape: []int64{512, 8}}
		_, err := New(Q4_K_M, md, append(ts, x), Options{}).Next(x)
		require.ErrorContains(t, err, "tensor "+name)
		require.ErrorContains(t, err, want)
		for _, o := range []Options{{Pure: true}, {TensorTypes: []TensorType{pattern(t, "ffn=q8_0")}}} {
			_, err = New(Q4_K_M, md, append(ts, x), o).Next(x)
			require.NoError(t, err, "nothing is asked then")
		}
		_, err = New(IQ2_M, md, append(ts, x), Options{}).Next(x)
		require.NoError(t, err, "rules of two bits count")
	}
}

// TestPatternBeforeEmbeddingType: --tensor-type wins for the embeddings per layer, and for those only.
func TestPatternBeforeEmbeddingType(t *testing.T) {
	md, _ := model("gemma3n", 1, 4, 4, 0, true)
	q8 := gguf.Q8_0
	tt, err := ParseTensorType("token_embd=q4_0")
	require.NoError(t, err)
	var ts []gguf.TensorInfo
	for _, name := range []string{"per_layer_token_embd.weight", "token_embd.weight"} {
		ts = append(ts, gguf.TensorInfo{Name: name, Type: gguf.F16, Shape: []int64{256, 4}})
	}
	for want, opts := range map[gguf.Type]Options{
		gguf.Q4_0: {TokenEmbeddingType: &q8, TensorTypes: []TensorType{tt}},
		gguf.Q8_0: {TokenEmbeddingType: &q8},
	} {
		r := New(Q4_K_M, md, ts, opts)
		d, err := r.Next(ts[0])
		require.NoError(t, err)
		require.Equal(t, want, d.Type)
		d, err = r.Next(ts[1])
		require.NoError(t, err)
		require.Equal(t, q8, d.Type)
	}
}
