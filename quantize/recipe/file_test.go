package recipe

import (
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

func TestFileRoundTrip(t *testing.T) {
	f := NewFile(Q4_K_M, []FileTensor{
		{Name: "token_embd.weight", Type: gguf.Q6_K, Reason: "token embedding,\nalso output"},
		{Name: "blk.0.attn_norm.weight", Keep: true, Reason: "F32, norm"},
		{Name: "odd: name # \"quoted\"\n.weight", Type: gguf.IQ2_XXS},
		{Name: "null", Type: gguf.F16},
	})
	got, err := ParseFile("r.yaml", strings.NewReader(string(f.Bytes())))
	require.NoError(t, err, string(f.Bytes()))
	require.Equal(t, f.FileType, got.FileType)
	require.Len(t, got.Tensors, len(f.Tensors))
	for i, want := range f.Tensors {
		require.Equal(t, want.Name, got.Tensors[i].Name)
		require.Equal(t, want.Keep, got.Tensors[i].Keep)
		if !want.Keep {
			require.Equal(t, want.Type, got.Tensors[i].Type)
		}
	}
	require.Contains(t, string(f.Bytes()), `
  token_embd.weight: Q6_K                     # token embedding, also output
  blk.0.attn_norm.weight: keep                # F32, norm
`)
}

func TestParseFileRefuses(t *testing.T) {
	const head = "version: 1\nfile_type: Q4_K_M\n"
	for text, reason := range map[string]string{
		"":                 "r.yaml: not a recipe",
		"# only a comment": "r.yaml: not a recipe",
		"[1, 2]":           "line 1: the recipe: found a list, expected lines of KEY: VALUE",
		"a: [":             "r.yaml: not a recipe",
		"version: 2\nfile_type: Q8_0\ntensors: {}":        `r.yaml: line 1: version: found "2", expected one of 1`,
		"file_type: Q8_0\ntensors: {}":                    `key "version" is missing`,
		"version: 1\ntensors: {}":                         `key "file_type" is missing`,
		head:                                              `key "tensors" is missing`,
		"version: 1\nfile_type: Q9\ntensors: {}":          `line 2: file_type: found "Q9", expected a type such as Q4_K_M`,
		"version: 1\nfile_type: COPY\ntensors: {}":        `line 2: file_type: found "COPY", expected a type such as Q4_K_M`,
		head + "tensor: {}":                               `line 3: the recipe: unknown key: found "tensor", expected one of file_type, tensors, version; did you mean tensors?`,
		head + "tensors: 3":                               `line 3: tensors: found "3", expected lines of NAME: VALUE`,
		head + "tensors:\n  a: Q9":                        `line 4: tensors.a: found "Q9", expected a tensor type such as Q4_K, or keep`,
		head + "tensors:\n  a: [Q8_0]":                    "line 4: tensors.a: found a list, expected a tensor type",
		head + "tensors:\n  a: &x Q8_0\n  b: *x":          "line 5: tensors.b: found an alias (*), which is not read here, expected a tensor type",
		head + "tensors:\n  a: Q8_0\n  b: F16\n  a: Q8_0": "line 6: tensors.a: appears twice, first in line 4",
		head + "version: 1\ntensors: {}":                  "line 3: version: appears twice",
		head + "tensors:\n  [1]: Q8_0":                    "r.yaml: line 4: tensors: found a list, expected a name",
		head + "tensors: {}\n---\nversion: 1":             "more than one YAML document",
	} {
		_, err := ParseFile("r.yaml", strings.NewReader(text))
		require.ErrorContains(t, err, reason, "%q", text)
		require.ErrorContains(t, err, "r.yaml", "%q", text)
	}
}

func TestFileCovers(t *testing.T) {
	_, ts := model("llama", 1, 4, 4, 0, true)
	f := NewFile(Q8_0, nil)
	require.ErrorContains(t, f.Covers(ts), "is missing; the recipe has 0 of the model's")
	text := "version: 1\nfile_type: Q8_0\ntensors:\n  no.such: Q8_0\n"
	f, err := ParseFile("r.yaml", strings.NewReader(text))
	require.NoError(t, err)
	require.EqualError(t, f.Covers(ts), "r.yaml: line 4: the model has no tensor no.such")
}

func TestRecipeFromFile(t *testing.T) {
	md, _ := model("llama", 1, 4, 4, 0, true)
	info := func(name string, cols int64) gguf.TensorInfo {
		return gguf.TensorInfo{Name: name, Type: gguf.BF16, Shape: []int64{cols, 4}}
	}
	ts := []gguf.TensorInfo{info("a.weight", 256), info("b.weight", 96), info("c_norm.weight", 256), info("d.weight", 256)}
	f := NewFile(F16, []FileTensor{{Name: "a.weight", Type: gguf.Q4_K}, {Name: "b.weight", Type: gguf.Q4_K},
		{Name: "c_norm.weight", Type: gguf.BF16}, {Name: "d.weight", Keep: true}})
	require.NoError(t, f.Covers(ts))
	r := New(F16, md, ts, Options{File: f})
	for i, want := range []gguf.Type{gguf.Q4_K, gguf.Q5_0, gguf.BF16, gguf.BF16} {
		d, err := r.Next(ts[i])
		require.NoError(t, err)
		require.Equal(t, want, d.Type, ts[i].Name)
		require.Equal(t, i == 1, d.Fallback)
	}
	_, err := New(F16, md, ts, Options{File: f, NoFallback: true}).Next(ts[1])
	require.ErrorContains(t, err, "b.weight")
	f.Tensors[2].Type = gguf.Q8_0
	_, err = New(F16, md, ts, Options{File: f}).Next(ts[2])
	require.ErrorContains(t, err, "c_norm.weight: Q8_0 was asked for, but such tensors are never quantized (norm)")
}

func TestKeepQuantized(t *testing.T) {
	md, _ := model("gpt-oss", 1, 4, 4, 4, true)
	x := gguf.TensorInfo{Name: "blk.0.ffn_up_exps.weight", Type: gguf.MXFP4, Shape: []int64{256, 4, 4}}
	d, err := New(Q4_K_M, md, []gguf.TensorInfo{x}, Options{KeepQuantized: true}).Next(x)
	require.NoError(t, err)
	require.Equal(t, Decision{Type: gguf.MXFP4, Wanted: gguf.MXFP4, Reason: "--keep-quantized", Eligible: true}, d)
}

func TestTensorTypeFile(t *testing.T) {
	require.Equal(t, `^blk\.0\.attn_q\.weight$=q4_k`, TensorTypeLine("blk.0.attn_q.weight", gguf.Q4_K))
	names := []string{"blk.1.attn_q.weight", "blk.11.attn_q.weight", "Odd Näme=1+(x)"}
	var text string
	for i, n := range names {
		text += TensorTypeLine(n, []gguf.Type{gguf.Q4_K, gguf.Q6_K, gguf.MXFP4}[i]) + "\n"
	}
	require.Len(t, strings.Fields(text), len(names))
	tts, err := ParseTensorTypes(strings.NewReader(text + " a=q8_0\tb=f16"))
	require.NoError(t, err)
	require.Len(t, tts, 5)
	for i, tt := range tts[:3] {
		for j, n := range names {
			require.Equal(t, i == j, tt.Pattern.MatchString(n), "%s %s", tt.Pattern, n)
		}
	}
	_, err = ParseTensorTypes(strings.NewReader("a=q8_0\n\nb=q9"))
	require.ErrorContains(t, err, "line 3")
	none, err := ParseTensorTypes(strings.NewReader(" \n"))
	require.NoError(t, err)
	require.Empty(t, none)
}

func FuzzParseFile(f *testing.F) {
	f.Add("version: 1\nfile_type: Q4_K_M\ntensors:\n  a: Q8_0 # x\n  \"b\\n\": keep\n")
	f.Add("version: 1\nfile_type: Q4_K_M\ntensors: {a: &x Q8_0, b: *x, <<: {c: d}}\n")
	f.Add("a: [\n---\n!!map {}")
	f.Add("version: 1\nfile_type: Q4_K_M\ntensors: {}")
	f.Add("version: 1\nfile_type: Q8_0\ntensors: {\"\\x7f\\u2028\": keep, true: F16, null: F32}")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := ParseFile("r", strings.NewReader(text))
		if err != nil {
			return
		}
		again, err := ParseFile("r", strings.NewReader(string(file.Bytes())))
		require.NoError(t, err, string(file.Bytes()))
		require.Equal(t, len(file.Tensors), len(again.Tensors))
		for i, x := range file.Tensors {
			y := again.Tensors[i]
			x.line, y.line = 0, 0
			require.Equal(t, x, y)
		}
	})
}

func FuzzParseTensorTypes(f *testing.F) {
	f.Add("a=q8_0 b=f16\n(=q4_k")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = ParseTensorTypes(strings.NewReader(text)) })
}
