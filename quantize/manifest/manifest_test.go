package manifest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// source is a model of one F32 matrix, all zero.
type source struct{ md gguf.Metadata }

func (s *source) Metadata() *gguf.Metadata              { return &s.md }
func (s *source) Tensors() []gguf.Tensor                { return []gguf.Tensor{s} }
func (s *source) Close() error                          { return nil }
func (s *source) ReadRows(dst []byte, _, _ int64) error { clear(dst); return nil }
func (s *source) Info() gguf.TensorInfo {
	return gguf.TensorInfo{Name: "blk.0.x.weight", Type: gguf.F32, Shape: []int64{256, 3}}
}

// record quantizes in dir and returns the manifest's bytes and the output's metadata.
func record(t *testing.T, dir string) ([]byte, *Manifest, *gguf.Metadata) {
	t.Helper()
	in, out := filepath.Join(dir, "in.bin"), filepath.Join(dir, "out.gguf")
	require.NoError(t, os.WriteFile(in, []byte("weights"), 0o600))
	s := &source{}
	s.md.Set("general.architecture", "llama")
	s.md.Set("llama.block_count", uint32(1))
	plan, err := quantize.NewPlan(s, quantize.Options{FileType: recipe.Q8_0})
	require.NoError(t, err)
	m := New("quantize", map[string]any{"type": "Q8_0", "b": []string{"x", "y"}, "a": true})
	require.NoError(t, m.AddSource(RoleModel, in))
	kvs, err := m.Metadata()
	require.NoError(t, err)
	for _, kv := range kvs {
		plan.Metadata.Append(kv.Key, kv.Value)
	}
	writers, err := quantize.Stage(context.Background(), []*quantize.Plan{plan}, []string{out}, nil)
	require.NoError(t, err)
	require.NoError(t, m.AddOutput(context.Background(), plan, writers[0]))
	require.NoFileExists(t, out, "its record is complete before it has its name")
	require.NoError(t, writers[0].Commit())
	b, err := m.Bytes()
	require.NoError(t, err)
	return b, m, plan.Metadata
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

func TestManifest(t *testing.T) {
	dir := t.TempDir()
	b, m, md := record(t, dir)
	var read Manifest
	require.NoError(t, json.Unmarshal(b, &read))
	require.Equal(t, 1, read.Version)
	require.Equal(t, "carat", read.Tool.Name)
	require.NotEmpty(t, read.Tool.Version)
	require.Equal(t, []File{{RoleModel, "in.bin", 7, sum([]byte("weights"))}}, read.Sources)
	out, err := os.ReadFile(filepath.Join(dir, "out.gguf"))
	require.NoError(t, err)
	require.Equal(t, []File{{"", "out.gguf", int64(len(out)), sum(out)}}, read.Outputs)
	require.Equal(t, []Tensor{{"blk.0.x.weight", []int64{256, 3}, "F32", "Q8_0", "default", false, 816, sum(make([]byte, 816))}}, read.Tensors)
	require.Equal(t, m.Tensors, read.Tensors)
	options, _ := md.String("carat.manifest.options")
	require.Equal(t, `{"a":true,"b":["x","y"],"type":"Q8_0"}`, options)
	require.Equal(t, []string{sum([]byte("weights")) + "  in.bin"}, md.Strings("carat.manifest.sources"))

	// Elsewhere and later it is the same, and says nothing of where.
	other := t.TempDir()
	again, _, _ := record(t, other)
	require.Equal(t, string(b), string(again))
	require.False(t, strings.Contains(string(b), filepath.Base(filepath.Dir(dir))))
}

func TestOutputOfAnotherPlan(t *testing.T) {
	dir := t.TempDir()
	_, m, _ := record(t, dir)
	s := &source{}
	s.md.Set("general.architecture", "llama")
	plan, err := quantize.NewPlan(s, quantize.Options{FileType: recipe.Copy})
	require.NoError(t, err)
	w, err := gguf.Create(filepath.Join(dir, "other.gguf"), &s.md, []gguf.TensorInfo{{Name: "blk.0.x.weight", Type: gguf.Q8_0, Shape: []int64{256, 3}}})
	require.NoError(t, err)
	defer w.Abort()
	require.ErrorContains(t, m.AddOutput(context.Background(), plan, w), "blk.0.x.weight differs from the plan")
	require.Error(t, m.AddSource(RoleModel, filepath.Join(dir, "absent")))
}
