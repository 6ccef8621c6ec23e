package hub

import (
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	t.Setenv("HF_ENDPOINT", "https://mirror.example")
	for s, want := range map[string]Ref{
		"org/name":                                     {ID: "org/name"},
		"Org_1/Name-2.5":                               {ID: "Org_1/Name-2.5"},
		"org/name@v1.0":                                {ID: "org/name", Revision: "v1.0"},
		"org/name@refs/pr/1":                           {ID: "org/name", Revision: "refs/pr/1"},
		"org/name-GGUF:Q4_K_M":                         {ID: "org/name-GGUF", File: "Q4_K_M"},
		"org/name@main:sub/m.gguf":                     {ID: "org/name", Revision: "main", File: "sub/m.gguf"},
		"hf://org/name.txt":                            {ID: "org/name.txt"},
		"https://huggingface.co/org/name":              {ID: "org/name"},
		"https://hf.co/org/name/?x=1#readme":           {ID: "org/name"},
		"https://mirror.example/org/name":              {ID: "org/name"},
		"https://hf.co/org/name/tree/a/b%2Fc":          {ID: "org/name", Revision: "a/b/c"},
		"https://hf.co/o/n/blob/main/x/y.gguf":         {ID: "o/n", Revision: "main", File: "x/y.gguf"},
		"https://hf.co/o/n/resolve/v1/y.gguf":          {ID: "o/n", Revision: "v1", File: "y.gguf"},
		"https://huggingface.co/org/name/tree/":        {},
		"https://huggingface.co/org":                   {},
		"https://huggingface.co/org/name/tree/../../x": {},
		"hf://name":                                    {},
		"hf://a/b/c":                                   {},
		"hf://a/b@":                                    {},
		"hf://a/b:":                                    {},
		"hf://a/b@../x":                                {},
		"hf://a/b@a//b":                                {},
		`hf://a/b@a\b`:                                 {},
		"hf://a/b:../x.gguf":                           {},
		"hf://a/b:/etc/x":                              {},
		"hf://a/..":                                    {},
		"hf://../b":                                    {},
		"hf://a--b/c":                                  {},
		"hf://a/b:C:x.gguf":                            {},
		"hf://a/b@x\ny":                                {},
		"hf://a/b:" + "*.bin":                          {},
	} {
		got, ok, err := Parse(s)
		if want == (Ref{}) {
			require.ErrorIs(t, err, gguf.ErrInput, s)
			continue
		}
		require.NoError(t, err, s)
		require.True(t, ok, s)
		require.Equal(t, want, got, s)
		again, ok, err := Parse(got.String())
		if ok && err == nil {
			require.Equal(t, got, again)
		}
	}
	for _, path := range []string{"", "name", "a/b/c", "./a/b", "../a", "/a/b", "~/a", `a\b`, "dir/model.gguf", "dir/w.safetensors", "m.gguf/x", "a/b@", "https://example.com/a/b", "a/b c"} {
		_, ok, err := Parse(path)
		require.NoError(t, err, path)
		require.False(t, ok, path)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("org/name@main:Q4_K_M")
	f.Add("https://huggingface.co/org/name/tree/main")
	f.Add("hf://org/name")
	f.Fuzz(func(t *testing.T, s string) {
		r, ok, err := Parse(s)
		if !ok {
			return
		}
		require.NoError(t, err)
		require.NoError(t, r.check())
		again, ok, err := Parse("hf://" + r.String())
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, r, again)
	})
}

func TestChooseGGUF(t *testing.T) {
	have := []string{"M-Q4_K_M.gguf", "M-Q4_K_S.gguf", "M-BF16-00001-of-00002.gguf", "M-BF16-00002-of-00002.gguf", "Q8_0/M-00001-of-00002.gguf", "mmproj-M-f16.gguf", "M.IQ2_XS.gguf"}
	for file, want := range map[string][]string{
		"Q4_K_M":                     {"M-Q4_K_M.gguf"},
		"q4_k_s":                     {"M-Q4_K_S.gguf"},
		"IQ2_XS":                     {"M.IQ2_XS.gguf"},
		"BF16":                       {"M-BF16-00001-of-00002.gguf", "M-BF16-00002-of-00002.gguf"},
		"M-BF16-00002-of-00002.gguf": {"M-BF16-00001-of-00002.gguf", "M-BF16-00002-of-00002.gguf"},
		"mmproj-M-f16.gguf":          {"mmproj-M-f16.gguf"},
		"f16":                        nil,
		"Q4_K":                       nil,
		"Q8_0":                       nil, // its second file is missing
		"":                           nil, // which one?
	} {
		got, err := chooseGGUF(Ref{ID: "o/n", File: file}, have)
		require.Equal(t, want, got, file)
		if want == nil {
			require.ErrorIs(t, err, gguf.ErrInput, file)
		}
	}
	got, err := chooseGGUF(Ref{ID: "o/n"}, []string{"mmproj.gguf", "only.gguf"})
	require.NoError(t, err)
	require.Equal(t, []string{"only.gguf"}, got)
}
