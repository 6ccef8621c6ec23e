package quantize

import (
	"bytes"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// saved writes a plan's recipe and reads it back, edited.
func saved(t *testing.T, src gguf.Model, o Options, oldnew ...string) *recipe.File {
	t.Helper()
	p, err := NewPlan(src, o)
	require.NoError(t, err)
	f, err := p.Recipe()
	require.NoError(t, err)
	text := strings.NewReplacer(oldnew...).Replace(string(f.Bytes()))
	f, err = recipe.ParseFile("r.yaml", strings.NewReader(text))
	require.NoError(t, err)
	return f
}

func withRecipe(f *recipe.File) Options {
	o := Options{FileType: f.FileType, Threads: 2}
	o.File = f
	return o
}

func TestSavedRecipeGivesTheSameBytes(t *testing.T) {
	for _, o := range []Options{{FileType: recipe.Q4_K_M}, {FileType: recipe.F16}, {FileType: recipe.Q3_K_M, PruneLayers: []int{0}}} {
		again := withRecipe(saved(t, sample(), o))
		again.PruneLayers = o.PruneLayers
		require.Equal(t, fileHash(t, run(t, sample(), o)), fileHash(t, run(t, sample(), again)), "%v", o.FileType)
	}
}

func TestEditedRecipe(t *testing.T) {
	f := saved(t, sample(), Options{FileType: recipe.Q4_K_M}, "blk.0.attn_v.weight: Q4_K", "blk.0.attn_v.weight: Q2_K", "blk.1.odd.weight: Q5_0", "blk.1.odd.weight: Q6_K")
	p, err := NewPlan(sample(), withRecipe(f))
	require.NoError(t, err)
	require.Equal(t, gguf.Q2_K, p.Tensors[3].Type)
	require.Equal(t, gguf.Q8_0, p.Tensors[9].Type, "falls back as the type in a preset would")
	require.True(t, p.Tensors[9].Fallback)

	o := withRecipe(f)
	o.NoFallback = true
	_, err = NewPlan(sample(), o)
	require.ErrorIs(t, err, ErrOptions)
	o = withRecipe(f)
	o.Pure = true
	_, err = NewPlan(sample(), o)
	require.ErrorContains(t, err, "cannot be combined with options that choose types")
	o = withRecipe(f)
	o.FileType = recipe.Q8_0
	_, err = NewPlan(sample(), o)
	require.ErrorContains(t, err, "the recipe is for file type Q4_K_M")
	other := sample()
	other.ts = other.ts[1:]
	_, err = NewPlan(other, withRecipe(f))
	require.ErrorContains(t, err, "r.yaml: line 7: the model has no tensor token_embd.weight")

	p, err = NewPlan(sample(), Options{FileType: recipe.Copy})
	require.NoError(t, err)
	_, err = p.Recipe()
	require.ErrorIs(t, err, ErrOptions)
}

// TestTensorTypesGiveTheSamePlan: what is exported for llama-quantize gives the same types here too.
func TestTensorTypesGiveTheSamePlan(t *testing.T) {
	o := Options{FileType: recipe.Q3_K_M}
	p, err := NewPlan(sample(), o)
	require.NoError(t, err)
	b, err := p.TensorTypes()
	require.NoError(t, err)
	require.NotContains(t, string(b), "norm")
	o = Options{FileType: recipe.Q4_0}
	o.TensorTypes, err = recipe.ParseTensorTypes(bytes.NewReader(b))
	require.NoError(t, err)
	q, err := NewPlan(sample(), o)
	require.NoError(t, err)
	require.Equal(t, p.infos(), q.infos())

	f := saved(t, sample(), Options{FileType: recipe.F16}, "blk.0.attn_v.weight: F16", "blk.0.attn_v.weight: Q8_0")
	p, err = NewPlan(sample(), withRecipe(f))
	require.NoError(t, err)
	_, err = p.TensorTypes()
	require.ErrorContains(t, err, "blk.0.attn_v.weight")
}

func TestNotes(t *testing.T) {
	p, err := NewPlan(sample(), Options{FileType: recipe.Q4_K_M})
	require.NoError(t, err)
	require.Empty(t, p.Notes())
	q8, err := gguf.Open(run(t, sample(), Options{FileType: recipe.Q8_0}))
	require.NoError(t, err)
	defer q8.Close()
	p, err = NewPlan(q8, Options{FileType: recipe.Q4_K_M, AllowRequantize: true})
	require.NoError(t, err)
	require.Len(t, p.Notes(), 1)
	require.Contains(t, p.Notes()[0], "7 of 10 tensors are quantized already (Q8_0; token_embd.weight becomes Q6_K): the error")
	p, err = NewPlan(q8, Options{FileType: recipe.F16, AllowRequantize: true})
	require.NoError(t, err)
	require.Len(t, p.Notes(), 1)
	require.Contains(t, p.Notes()[0], "larger, not better")

	o := Options{FileType: recipe.Q4_K_M}
	o.KeepQuantized = true
	p, err = NewPlan(q8, o)
	require.NoError(t, err, "nothing is quantized again")
	require.Empty(t, p.Notes())
	require.Equal(t, gguf.Q8_0, p.Tensors[1].Type)
}

// TestBlockFloatsAreKept: MXFP4 and NVFP4 need no codec and no leave to be copied as they are.
func TestBlockFloatsAreKept(t *testing.T) {
	for _, typ := range []gguf.Type{gguf.MXFP4, gguf.NVFP4} {
		raw := &rawTensor{gguf.TensorInfo{Name: "blk.0.ffn_up_exps.weight", Type: typ, Shape: []int64{256, 3, 2}}}
		m := single(ones(512), 256, 2)
		m.ts = append(m.ts, raw)
		keep, byType := Options{FileType: recipe.Q4_0}, Options{FileType: recipe.Q4_0}
		keep.KeepQuantized = true
		byType.TensorTypes = []recipe.TensorType{mustTensorType(t, "exps="+typ.String())}
		for name, o := range map[string]Options{"--keep-quantized": keep, "--tensor-type": byType, "copy": {FileType: recipe.Copy},
			"recipe": withRecipe(saved(t, m, keep)), "recipe: keep": withRecipe(saved(t, m, keep, "exps.weight: "+typ.String(), "exps.weight: keep"))} {
			f, err := gguf.Open(run(t, m, o))
			require.NoError(t, err, name)
			x := f.Tensors()[0]
			require.Equal(t, raw.TensorInfo, x.Info(), name)
			want := make([]byte, raw.Bytes())
			require.NoError(t, raw.ReadRows(want, 0, raw.Rows()))
			require.Equal(t, want, x.(gguf.Mapped).Bytes(), name)
			require.NoError(t, f.Close())
		}
		_, err := NewPlan(m, Options{FileType: recipe.Q4_0})
		require.ErrorIs(t, err, ErrOptions)
	}
	// The preset of gpt-oss wants its experts as they are.
	m := single(ones(512), 256, 2)
	m.ts = append(m.ts, &rawTensor{gguf.TensorInfo{Name: "blk.0.ffn_up_exps.weight", Type: gguf.MXFP4, Shape: []int64{256, 3, 2}}})
	run(t, m, Options{FileType: recipe.MXFP4MoE})
}

// rawTensor has bytes that mean nothing.
type rawTensor struct{ gguf.TensorInfo }

func (t *rawTensor) Info() gguf.TensorInfo { return t.TensorInfo }
func (t *rawTensor) ReadRows(dst []byte, first, _ int64) error {
	for i := range dst {
		dst[i] = byte((int64(i) + first*t.RowBytes()) % 120)
	}
	return nil
}
