package hfcache

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRoot(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	for _, name := range []string{"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"} {
		t.Setenv(name, "")
	}
	for _, c := range []struct{ name, value, want string }{
		{"", "", filepath.Join(home, ".cache", "huggingface", "hub")},
		{"XDG_CACHE_HOME", filepath.Join(home, "x"), filepath.Join(home, "x", "huggingface", "hub")},
		{"HF_HOME", filepath.Join("~", "hf"), filepath.Join(home, "hf", "hub")},
		{"HUGGINGFACE_HUB_CACHE", filepath.Join("$HF_HOME", "old"), filepath.Join(home, "hf", "old")},
		{"HF_HUB_CACHE", "here", "here"},
	} {
		if c.name != "" {
			t.Setenv(c.name, c.value)
		}
		got, err := Root()
		require.NoError(t, err)
		require.Equal(t, c.want, got, c.name)
	}
}

func TestRepository(t *testing.T) {
	for path, want := range map[string]string{
		"c/models--org--name/snapshots/abc":       "org/name",
		"c/models--org--a--b/snapshots/abc":       "org/a--b",
		"c/models--gpt2/snapshots/abc/":           "gpt2",
		"c/models--org--name/snapshots/abc/inner": "",
		"c/models--org--name/abc":                 "",
		"c/datasets--org--name/snapshots/abc":     "",
		"c/models--/snapshots/abc":                "",
		"snapshots/abc":                           "",
	} {
		id, commit, ok := Repository(filepath.FromSlash(path))
		require.Equal(t, want != "", ok, path)
		if ok {
			require.Equal(t, want, id)
			require.Equal(t, "abc", commit)
		}
	}
	require.Equal(t, "name", Name(filepath.FromSlash("c/models--org--name/snapshots/abc")))
	require.Equal(t, "x.gguf", Name(filepath.FromSlash("c/models--org--name/snapshots/abc/x.gguf")))
	require.Equal(t, "hfcache", Name("."))
}

func TestWithin(t *testing.T) {
	for path, want := range map[string]bool{
		"c/models--org--name/snapshots/abc/x/y.gguf": true,
		"c/models--org--name/blobs/abc":              true,
		"c/models--org--name/refs/abc":               false,
		"blobs/abc":                                  false,
		"model.gguf":                                 false,
	} {
		require.Equal(t, want, Within(filepath.FromSlash(path)), path)
	}
}
