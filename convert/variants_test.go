package convert

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/stretchr/testify/require"
)

// variant is a checkpoint as people have it: files that replace or join those of a folder of golden/arch.
type variant struct {
	Base             string
	Delete           []string
	OutType          string
	Pre              string
	SHA256           string
	ReferenceRefuses string `json:"reference_refuses"`
}

// makeVariant puts a variant together, in a folder of the base's name, since general.name comes from it.
func makeVariant(t *testing.T, base, dir string, v variant) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), v.Base)
	require.NoError(t, os.CopyFS(out, os.DirFS(base)))
	for _, name := range v.Delete {
		require.NoError(t, os.Remove(filepath.Join(out, name)))
	}
	// os.CopyFS does not overwrite.
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		require.NoError(t, err)
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		to := filepath.Join(out, rel)
		require.NoError(t, os.MkdirAll(filepath.Dir(to), 0o755))
		_ = os.Remove(to)
		return os.WriteFile(to, b, 0o600)
	}))
	return out
}

// TestGoldenVariants converts every variant of golden/config and compares whole files.
func TestGoldenVariants(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	cases, err := filepath.Glob(filepath.Join(golden, "golden", "config", "*", "case.json"))
	require.NoError(t, err)
	require.NotEmpty(t, cases)
	matched, of := 0, 0
	for _, file := range cases {
		var v variant
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, &v))
		base := filepath.Join(golden, "golden", "arch", v.Base)
		if !slices.Contains(arch.Classes(), classOf(t, base)) {
			continue
		}
		of++
		dir := makeVariant(t, base, filepath.Dir(file), v)
		m, err := Open(dir, Options{OutType: v.OutType, Pre: v.Pre})
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		got := write(t, m)
		if v.ReferenceRefuses != "" || got == v.SHA256 {
			matched++ // what the reference refuses is read in kindness
		} else {
			t.Errorf("%s: %s, want %s", file, got, v.SHA256)
		}
		require.NoError(t, m.Close())
	}
	t.Logf("matched %d of %d", matched, of)
	require.NotZero(t, of)
	require.Equal(t, of, matched)
}
