package convert

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// encoders has tiny checkpoints of models that embed and rank (scripts/checkpoints/encoders.py), as checkpoints those of others.
const encoders = "../testdata/encoders"

// encoderFolders lists them.
func encoderFolders(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(encoders, "*", "config.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for i, f := range files {
		files[i] = filepath.Dir(f)
	}
	return files
}

// preOf names the pre-tokenizer of a folder whose vocabulary is too small to be known.
func preOf(dir string) string {
	switch name := filepath.Base(dir); {
	case strings.HasPrefix(name, "roberta"), strings.HasPrefix(name, "modernbert"):
		return "gpt-2"
	case strings.HasPrefix(name, "qwen3"), strings.HasPrefix(name, "eurobert"):
		return "qwen2"
	}
	return ""
}

// TestEncoders compares whole files with the reference converter's, of every type.
func TestEncoders(t *testing.T) {
	for _, dir := range encoderFolders(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var r recorded
			b, err := os.ReadFile(filepath.Join(dir, "expected.json"))
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(b, &r))
			require.Len(t, r.SHA256, 4)
			for outType, want := range r.SHA256 {
				m, err := Open(dir, Options{OutType: outType, Pre: preOf(dir)})
				require.NoError(t, err)
				require.Equal(t, want, write(t, m), outType)
				require.NoError(t, m.Close())
			}
		})
	}
}

// TestPooler: a classifier's pooler is in the file when it is asked for, and otherwise it is said that it is not.
func TestPooler(t *testing.T) {
	dir := filepath.Join(encoders, "bert-rank")
	names := func(o Options) (out []string, notes string) {
		m, err := Open(dir, o)
		require.NoError(t, err)
		defer m.Close()
		for _, x := range m.Tensors() {
			out = append(out, x.Info().Name)
		}
		return out, strings.Join(m.Notes(), "\n")
	}
	without, notes := names(Options{})
	require.NotContains(t, without, "cls.weight")
	require.Contains(t, notes, "--pooler keeps it")
	with, notes := names(Options{Pooler: true})
	require.Empty(t, notes)
	require.Subset(t, with, append(without, "cls.weight", "cls.bias"))
	require.Len(t, with, len(without)+2)
}
