package export

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/stretchr/testify/require"
)

const tinyLlama = "../../testdata/tiny-llama"

// quantized is the tiny model with all of its matrices as t.
func quantized(t *testing.T, typ gguf.Type) gguf.Model {
	t.Helper()
	src, err := convert.Open(tinyLlama, convert.Options{OutType: "f32"})
	require.NoError(t, err)
	t.Cleanup(func() { src.Close() })
	c, ok := codec.For(typ)
	require.True(t, ok)
	return replaced(src, func(in gguf.TensorInfo, x []float32) (gguf.Type, []byte) {
		if len(in.Shape) != 2 {
			return in.Type, nil
		}
		out := make([]byte, typ.RowBytes(in.Cols())*in.Rows())
		c.Encode(out, x, int(in.Cols()), nil)
		return typ, out
	})
}

// stored is a tensor in memory.
type stored struct {
	info gguf.TensorInfo
	data []byte
}

func (s stored) Info() gguf.TensorInfo { return s.info }

func (s stored) ReadRows(dst []byte, first, n int64) error {
	copy(dst, s.data[first*s.info.RowBytes():][:n*s.info.RowBytes()])
	return nil
}

// replaced is a model of F32 some of whose tensors change makes others of.
func replaced(src gguf.Model, change func(in gguf.TensorInfo, x []float32) (gguf.Type, []byte)) gguf.Model {
	m := memory{md: src.Metadata()}
	for _, x := range src.Tensors() {
		in := x.Info()
		raw, values := make([]byte, in.Bytes()), make([]float32, in.Elements())
		if err := x.ReadRows(raw, 0, in.Rows()); err != nil {
			panic(err)
		}
		decode(in.Type, values, raw)
		if typ, data := change(in, values); data != nil {
			in.Type, raw = typ, data
		}
		m.tensors = append(m.tensors, stored{in, raw})
	}
	return m
}

// written writes a model as a folder and opens that.
func written(t *testing.T, p *Plan) (gguf.Model, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	require.NoError(t, p.Run(context.Background(), dir, func() error { return nil }))
	m, err := convert.Open(dir, convert.Options{OutType: "f32"})
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m, dir
}

// TestCarried: Q4_0 and Q8_0 become compressed-tensors without loss: the decoded weights are those of the file, bit for bit;
// all of them as F32, the matrices of linear layers as F16, too (and Q4_0's embeddings, since this model was BF16). Rows of other
// types are rounded anew.
func TestCarried(t *testing.T) {
	for _, c := range []struct {
		typ     gguf.Type
		scheme  string
		group   int64
		outType string
		anew    int // tensors that are quantized again
		exact   int // that come back as they were
	}{{gguf.Q4_0, "w4a16", 0, "f32", 0, 38}, {gguf.Q4_0, "w4a16", 32, "", 0, 38}, {gguf.Q8_0, "w8a16", 0, "f32", 0, 38}, {gguf.Q8_0, "w8a16", 0, "auto", 0, 37},
		{gguf.Q4_0, "w4a16", 64, "f32", 28, 0}, {gguf.Q4_0, "w8a16", 32, "f32", 28, 0}, {gguf.Q5_0, "w4a16", 32, "f32", 28, 0}, {gguf.Q8_0, "int8", 0, "f32", 28, 0}} {
		src := quantized(t, c.typ)
		scheme, err := ParseScheme(c.scheme, c.group)
		require.NoError(t, err)
		p, err := NewPlan(src, Options{Scheme: scheme, OutType: c.outType, Threads: 2})
		require.NoError(t, err)
		require.Len(t, p.Quantized(), c.anew)
		if c.anew > 0 {
			continue
		}
		back, _ := written(t, p)
		want, same := values(t, src), 0
		for name, got := range values(t, back) {
			same++
			for i, w := range want[name] {
				if math.Float32bits(w) != math.Float32bits(got[i]) && (w != 0 || got[i] != 0) { // the zeros of negative scales have a sign in one
					same--
					break
				}
			}
		}
		require.Equal(t, c.exact, same, "%v %v", c, p.Notes)
	}
}

// TestCarriedGroup: the group is the file's where nobody asks for another.
func TestCarriedGroup(t *testing.T) {
	scheme, err := ParseScheme("w4a16", 0)
	require.NoError(t, err)
	p, err := NewPlan(quantized(t, gguf.Q4_0), Options{Scheme: scheme})
	require.NoError(t, err)
	require.Contains(t, string(p.small["config.json"]), `"group_size": 32`)
	require.Contains(t, p.Notes[1], "28 matrices keep the codes and scales of the file; 0 are")
	p, err = NewPlan(quantized(t, gguf.Q5_0), Options{Scheme: scheme, OutType: "bf16"})
	require.NoError(t, err)
	require.Contains(t, string(p.small["config.json"]), `"group_size": 128`)
	require.Empty(t, p.Notes)
	p, err = NewPlan(quantized(t, gguf.Q4_0), Options{Scheme: scheme, OutType: "bf16"})
	require.NoError(t, err)
	require.Contains(t, p.Notes[2], "BF16 holds the file's F16 scales to 3 digits")
}

// TestCarriedMLC: Q4_0 goes into q4f16_1 without loss.
func TestCarriedMLC(t *testing.T) {
	src := quantized(t, gguf.Q4_0)
	p, err := NewMLCPlan(src, MLCOptions{Quantization: "q4f16_1"})
	require.NoError(t, err)
	require.Empty(t, p.Quantized())
	_, dir := writtenMLC(t, p)
	want := values(t, src)
	got, _ := decodeMLC(t, readMLC(t, dir), func(name string) int { return 256 })
	require.Equal(t, doubles(want["token_embd.weight"]), got["model.embed_tokens.weight"])
	require.Equal(t, doubles(append(want["blk.1.ffn_gate.weight"], want["blk.1.ffn_up.weight"]...)), got["model.layers.1.mlp.gate_up_proj.weight"])
	require.Equal(t, doubles(want["blk.2.attn_output.weight"]), got["model.layers.2.self_attn.o_proj.weight"])
}

func doubles(x []float32) (out []float64) {
	for _, v := range x {
		out = append(out, float64(v)+0) // of two zeros the positive one
	}
	return out
}

func writtenMLC(t *testing.T, p *Plan) (map[string]any, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	require.NoError(t, p.Run(context.Background(), dir, func() error { return nil }))
	b, err := os.ReadFile(filepath.Join(dir, "mlc-chat-config.json"))
	require.NoError(t, err)
	var config map[string]any
	require.NoError(t, json.Unmarshal(b, &config))
	return config, dir
}

// TestRounding: rows that are encoded for a scheme are blocks of GGUF whose levels may be chosen anew, and go into the scheme as
// they are, whatever the group.
func TestRounding(t *testing.T) {
	for _, c := range []struct {
		scheme string
		group  int64
		scales gguf.Type
	}{{"w4a16", 128, gguf.F16}, {"w4a16", 64, gguf.BF16}, {"w8a16", 128, gguf.F32}, {"int8", 0, gguf.F16}} {
		scheme, err := ParseScheme(c.scheme, c.group)
		require.NoError(t, err)
		r, ok := scheme.Rounding(c.scales)
		require.True(t, ok)
		src, err := convert.Open(tinyLlama, convert.Options{OutType: "f32"})
		require.NoError(t, err)
		p, err := NewPlan(src, Options{Scheme: scheme})
		require.NoError(t, err)
		require.Len(t, p.Quantized(), 28)
		rounded := replaced(src, func(in gguf.TensorInfo, x []float32) (gguf.Type, []byte) {
			if len(in.Shape) == 2 && in.Name != "blk.0.attn_q.weight" {
				return gguf.F32, make([]byte, in.Bytes()) // so that the test is fast
			} else if len(in.Shape) < 2 {
				return 0, nil
			}
			out := make([]byte, r.Type.RowBytes(in.Cols())*in.Rows())
			importance := make([]float32, in.Cols())
			for i := range importance {
				importance[i] = float32(i%3) + 0.5
			}
			for i := range in.Rows() {
				r.Encode(out[r.Type.RowBytes(in.Cols())*i:][:r.Type.RowBytes(in.Cols())], x[i*in.Cols():][:in.Cols()], importance)
			}
			return r.Type, out
		})
		p, err = NewPlan(rounded, Options{Scheme: scheme.Rounded(), OutType: map[gguf.Type]string{gguf.F16: "f16", gguf.BF16: "bf16", gguf.F32: "f32"}[c.scales]})
		require.NoError(t, err)
		require.Len(t, p.Quantized(), 27)
		back, _ := written(t, p)
		require.Equal(t, values(t, rounded)["blk.0.attn_q.weight"], values(t, back)["blk.0.attn_q.weight"], c.scheme)
		require.NoError(t, src.Close())
	}
	fp8, err := ParseScheme("fp8", 0)
	require.NoError(t, err)
	_, ok := fp8.Rounding(gguf.F16)
	require.False(t, ok)
}

// TestCarriedRefused: scales that differ within a group, or are no numbers, are told.
func TestCarriedRefused(t *testing.T) {
	row := make([]byte, 2*gguf.Q4_0.RowBytes(32))
	row[1] = 0x3c
	_, _, err := integers(gguf.Q4_0, row, 64)
	require.ErrorContains(t, err, "scales of their own")
	row[0], row[1] = 0, 0x7c
	_, _, err = integers(gguf.Q4_0, row, 32)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "not finite")
}
