package export

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/stretchr/testify/require"
)

// values decodes all tensors of a model.
func values(t *testing.T, m gguf.Model) map[string][]float32 {
	t.Helper()
	out := map[string][]float32{}
	for _, x := range m.Tensors() {
		info := x.Info()
		raw, v := make([]byte, info.Bytes()), make([]float32, info.Elements())
		require.NoError(t, x.ReadRows(raw, 0, info.Rows()))
		c, ok := codec.For(info.Type)
		require.True(t, ok)
		c.Decode(v, raw)
		out[info.Name] = v
	}
	return out
}

// TestCompressed: what is written is read back by convert/prequant, through every scheme, near to the weights: no further
// than a level of the largest in the tensor, and with 4 bits than what the search for a scale may cut off.
func TestCompressed(t *testing.T) {
	for _, c := range []struct {
		scheme string
		group  int64
		levels float64 // from 0 to the largest
	}{{"w4a16", 8, 4.4}, {"w8a16", 8, 127}, {"int8", 0, 127}, {"fp8", 0, 16}} {
		t.Run(c.scheme, func(t *testing.T) {
			src, err := convert.Open(filepath.Join(checkpoints, "qwen3"), convert.Options{OutType: "f32"})
			require.NoError(t, err)
			defer src.Close()
			scheme, err := ParseScheme(c.scheme, 0)
			require.NoError(t, err)
			scheme.group = c.group // the model is too small for those that are known
			p, err := NewPlan(src, Options{OutType: "bf16", Scheme: scheme, Threads: 2, ShardBytes: 5000})
			require.NoError(t, err)
			require.Greater(t, len(p.shards), 1)
			dir := filepath.Join(t.TempDir(), "out")
			require.NoError(t, p.Run(context.Background(), dir, src.Unchanged))
			back, err := convert.Open(dir, convert.Options{OutType: "f32"})
			require.NoError(t, err)
			defer back.Close()
			want, got := values(t, src), values(t, back)
			require.Len(t, got, len(want))
			changed := 0
			for name, w := range want {
				g := got[name]
				require.Len(t, g, len(w), name)
				worst, largest := 0.0, 0.0
				for i := range w {
					worst, largest = max(worst, math.Abs(float64(w[i]-g[i]))), max(largest, math.Abs(float64(w[i])))
				}
				if worst > 0 {
					changed++
				}
				require.LessOrEqual(t, worst, largest/c.levels+largest/256, name)
			}
			require.GreaterOrEqual(t, changed, 14)
		})
	}
}

// TestCompressedRefused: what a scheme cannot do is said.
func TestCompressedRefused(t *testing.T) {
	for name, group := range map[string]int64{"w2a16": 0, "w4a16": 48, "fp8": 128} {
		_, err := ParseScheme(name, group)
		require.Error(t, err, name)
	}
	for folder, want := range map[string]string{"gpt2": "Conv1D", "qwen3": "use a smaller group"} {
		src, err := convert.Open(filepath.Join(checkpoints, folder), convert.Options{})
		require.NoError(t, err)
		scheme, err := ParseScheme("w4a16", 0)
		require.NoError(t, err)
		_, err = NewPlan(src, Options{Scheme: scheme})
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, want)
		require.NoError(t, src.Close())
	}
}

// TestE4M3: every code's value has that code, and what is between two goes to the nearer one, or the even one.
func TestE4M3(t *testing.T) {
	value := func(code int) float64 {
		if code < 8 {
			return math.Ldexp(float64(code), -9)
		}
		return math.Ldexp(1+float64(code%8)/8, code/8-7)
	}
	for code := range 0x7f {
		v := value(code)
		require.Equal(t, byte(code), e4m3(v))
		require.Equal(t, byte(code)|0x80, e4m3(-v-0))
		if code == 0x7e {
			continue
		}
		next := value(code + 1)
		require.Equal(t, byte(code+code%2), e4m3((v+next)/2), "%v", v)
		require.Equal(t, byte(code), e4m3(v+(next-v)*0.49))
		require.Equal(t, byte(code+1), e4m3(v+(next-v)*0.51))
	}
	require.Equal(t, byte(0x7e), e4m3(1e30))
}

// TestPack: the lowest bits first, as compressed-tensors' pack_to_int32.
func TestPack(t *testing.T) {
	require.Equal(t, []byte{0x10, 0x32, 0x54, 0xf6}, pack([]byte{0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 7}, 4))
	require.Equal(t, []byte{0, 1, 0x80, 0xff}, pack([]byte{0x80, 0x81, 0, 0x7f}, 8))
}

// TestScaleSearch: of 4 bits the chosen scale has a smaller error than that of the largest weight.
func TestScaleSearch(t *testing.T) {
	s := schemes[0]
	w := make([]float32, 128)
	for i := range w {
		w[i] = float32(math.Sin(float64(i*i))) / 3
	}
	w[5] = 1
	same := func(x float32) float32 { return x }
	loss := func(scale float32) (sum float64) {
		codes := make([]byte, len(w))
		s.quantize(codes, w, scale)
		for i, x := range w {
			d := float64(x) - float64(int8(codes[i]))*float64(scale)
			sum += d * d
		}
		return sum
	}
	require.Less(t, loss(s.scale(w, nil, same)), loss(1.0/7))
	require.EqualValues(t, 1, s.scale(make([]float32, 128), nil, same))
}
