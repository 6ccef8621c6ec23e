package export

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

const checkpoints = "../../testdata/checkpoints"

// exported opens a checkpoint folder as a GGUF file of a type and writes it as a folder of another.
func exported(t *testing.T, dir, gguf, out string, shard int64) (string, error) {
	t.Helper()
	m, err := convert.Open(dir, convert.Options{OutType: gguf})
	require.NoError(t, err)
	defer m.Close()
	p, err := NewPlan(m, Options{OutType: out, ShardBytes: shard, Threads: 2})
	if err != nil {
		return "", err
	}
	to := filepath.Join(t.TempDir(), filepath.Base(dir))
	return to, p.Run(context.Background(), to, m.Unchanged)
}

// tensorsOf reads the text model's weights of a folder, as float32 with their shapes.
func tensorsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := safetensors.Open(dir)
	require.NoError(t, err)
	defer files.Close()
	out := map[string]string{}
	for _, x := range files.Tensors() {
		name, kind := arch.Source(x.Name)
		if kind != arch.Weight {
			continue
		}
		raw, values := make([]byte, x.Size()), make([]float32, x.Elements())
		require.NoError(t, x.ReadAt(raw, 0))
		x.Decode(values, raw)
		out[name] = fmt.Sprint(x.Shape, values)
	}
	return out
}

// sameTensors compares the weights of two folders.
func sameTensors(t *testing.T, want, got string) {
	t.Helper()
	a, b := tensorsOf(t, want), tensorsOf(t, got)
	for name, v := range b {
		if a[name] != v {
			t.Errorf("%s: tensor %s differs (there: %v)", filepath.Base(want), name, a[name] != "")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if _, ok := b[name]; !ok && name != "lm_head.weight" { // the embeddings again, which conversion leaves out
			t.Errorf("%s: tensor %s is missing", filepath.Base(want), name)
		}
	}
}

// TestRoundTrip: a checkpoint that became F32 comes back as it was, in F32 and in its own type, and the folder converts to
// the same file.
func TestRoundTrip(t *testing.T) {
	dirs, err := os.ReadDir(checkpoints)
	require.NoError(t, err)
	for _, d := range dirs {
		t.Run(d.Name(), func(t *testing.T) { roundTrip(t, filepath.Join(checkpoints, d.Name())) })
	}
}

func roundTrip(t *testing.T, dir string) {
	to, err := exported(t, dir, "f32", "f32", 0)
	require.NoError(t, err)
	sameTensors(t, dir, to)
	narrow, err := exported(t, dir, "f32", "bf16", 0)
	require.NoError(t, err)
	sameTensors(t, dir, narrow)
	sharded, err := exported(t, dir, "bf16", "auto", 5000)
	require.NoError(t, err)
	sameTensors(t, dir, sharded)
	require.FileExists(t, filepath.Join(sharded, "model.safetensors.index.json"))
	again, err := convert.Open(to, convert.Options{OutType: "f32"})
	require.NoError(t, err)
	defer again.Close()
	was, err := convert.Open(dir, convert.Options{OutType: "f32"})
	require.NoError(t, err)
	defer was.Close()
	require.Equal(t, tensorSums(t, was), tensorSums(t, again))
	for _, kv := range was.Metadata().All() {
		if strings.HasPrefix(kv.Key, "general.") && !strings.HasPrefix(kv.Key, "general.sampling.") {
			continue // of the model card
		}
		if v, ok := again.Metadata().Get(kv.Key); !ok || fmt.Sprint(v) != fmt.Sprint(kv.Value) {
			t.Errorf("%s: metadata %s was %.80s, is %.80s", filepath.Base(dir), kv.Key, fmt.Sprint(kv.Value), fmt.Sprint(v))
		}
	}
}

func tensorSums(t *testing.T, m gguf.Model) map[string]string {
	out := map[string]string{}
	for _, x := range m.Tensors() {
		b := make([]byte, x.Info().Bytes())
		require.NoError(t, x.ReadRows(b, 0, x.Info().Rows()))
		out[x.Info().Name] = fmt.Sprint(x.Info().Shape, x.Info().Type, b)
	}
	return out
}

// TestGoldenRoundTrip tries all golden folders: the tensors of those that can be exported come back.
func TestGoldenRoundTrip(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	dirs, err := filepath.Glob(filepath.Join(golden, "golden", "arch", "*", "config.json"))
	require.NoError(t, err)
	matched := 0
	for _, config := range dirs {
		dir := filepath.Dir(config)
		to, err := exported(t, dir, "f32", "f32", 0)
		if err != nil {
			t.Logf("%s: %v", filepath.Base(dir), err)
			continue
		}
		sameTensors(t, dir, to)
		matched++
	}
	t.Logf("matched %d of %d", matched, len(dirs))
	require.GreaterOrEqual(t, matched, 33)
}

// memory is a model in memory.
type memory struct {
	md      *gguf.Metadata
	tensors []gguf.Tensor
}

func (m memory) Metadata() *gguf.Metadata { return m.md }
func (m memory) Tensors() []gguf.Tensor   { return m.tensors }
func (m memory) Close() error             { return nil }

// changed is a tensor with other information, or other values.
type changed struct {
	gguf.Tensor
	info gguf.TensorInfo
	fill byte
}

func (c changed) Info() gguf.TensorInfo { return c.info }

func (c changed) ReadRows(dst []byte, first, n int64) error {
	if c.fill == 0 {
		return c.Tensor.ReadRows(dst, first, n)
	}
	for i := range dst {
		dst[i] = c.fill
	}
	return nil
}

// TestRefused: what cannot be turned around is said by its name, and leaves nothing.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		folder string
		change func(m *memory)
		want   string
	}{
		"architecture": {"llama", func(m *memory) { m.md.Set("general.architecture", "mamba") }, `the architecture "mamba" cannot be written`},
		"key":          {"llama", func(m *memory) { m.md.Set("llama.odd", uint32(1)) }, "metadata llama.odd has no counterpart in its config.json"},
		"value":        {"gemma3", func(m *memory) { m.md.Set("gemma3.attention.value_length", uint32(7)) }, "metadata gemma3.attention.value_length is 7, but"},
		"scaling":      {"llama", func(m *memory) { m.md.Set("llama.rope.scaling.type", "odd") }, `rope.scaling.type is "odd"`},
		"missing":      {"qwen3", func(m *memory) { m.tensors = m.tensors[:len(m.tensors)-1] }, "missing tensor"},
		"no embedding": {"qwen3", func(m *memory) { m.rename("token_embd.weight", "x") }, "missing tensor token_embd.weight"},
		"unexpected":   {"qwen3", func(m *memory) { m.tensors = append(m.tensors, m.tensors[0].(changed).named("blk.0.odd.weight")) }, "tensor blk.0.odd.weight is not one of"},
		"shape":        {"qwen3", func(m *memory) { m.shape("blk.0.attn_q.weight", 32) }, "tensor blk.0.attn_q.weight has the shape"},
		"type":         {"qwen3", func(m *memory) { m.typ("blk.0.attn_q.weight", gguf.I32) }, "which is not decoded to floats"},
		"factors":      {"llama3-rope", func(m *memory) { m.fill("rope_freqs.weight", 0x41) }, "rope_freqs.weight is not what any config.json"},
		"norm":         {"gemma3", func(m *memory) { m.fill("blk.0.attn_norm.weight", 0xff) }, "cannot be undone"},
		"overflow":     {"qwen3", func(m *memory) { m.fill("blk.0.attn_norm.weight", 0x7e) }, "values beyond 65504"},
	} {
		t.Run(name, func(t *testing.T) {
			src, err := convert.Open(filepath.Join(checkpoints, c.folder), convert.Options{OutType: "f16"})
			require.NoError(t, err)
			defer src.Close()
			m := &memory{md: src.Metadata().Clone()}
			for _, x := range src.Tensors() {
				m.tensors = append(m.tensors, changed{x, x.Info(), 0})
			}
			c.change(m)
			dir := filepath.Join(t.TempDir(), "out")
			p, err := NewPlan(*m, Options{Threads: 1})
			if err == nil {
				err = p.Run(context.Background(), dir, func() error { return nil })
			}
			require.ErrorIs(t, err, gguf.ErrInput)
			require.ErrorContains(t, err, c.want)
			require.NoDirExists(t, dir)
		})
	}
}

func (c changed) named(name string) changed { c.info.Name = name; return c }

// change replaces a tensor.
func (m *memory) change(name string, f func(c *changed)) {
	for i, x := range m.tensors {
		if c := x.(changed); c.info.Name == name {
			c.info.Shape = slices.Clone(c.info.Shape)
			f(&c)
			m.tensors[i] = c
		}
	}
}

func (m *memory) rename(name, to string) { m.change(name, func(c *changed) { c.info.Name = to }) }
func (m *memory) shape(name string, n int64) {
	m.change(name, func(c *changed) { c.info.Shape[0] += n })
}
func (m *memory) typ(name string, t gguf.Type) { m.change(name, func(c *changed) { c.info.Type = t }) }
func (m *memory) fill(name string, b byte)     { m.change(name, func(c *changed) { c.fill = b }) }

// TestFolder: nothing is put beside other files.
func TestFolder(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o600))
	_, err := makeFolder(dir)
	require.ErrorContains(t, err, "the folder is not empty (it has notes.txt)")
	_, err = NewPlan(memory{md: &gguf.Metadata{}}, Options{OutType: "q8_0"})
	require.ErrorIs(t, err, ErrOutType)
}
