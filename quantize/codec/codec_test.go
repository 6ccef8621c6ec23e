package codec

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// blocks is the layout of blocks.json: the expected bytes of every encoder on generated matrices.
type blocks struct {
	Seed       uint64
	Rows, Cols int
	Records    []blockRecord
}

type blockRecord struct {
	Type    string `json:"type"`
	Dist    string `json:"dist"`
	Imatrix bool   `json:"imatrix"`
	SHA256  string `json:"sha256"`
	Head    string `json:"head"`
	Dequant string `json:"dequant_sha256"`
}

var distributions = []string{"uniform", "gauss", "outlier", "zeros", "const", "tiny", "large", "sparse", "ramp", "onesided"}

// generator is splitmix64 with the draws that the golden data define.
type generator uint64

func (g *generator) next() uint64 {
	*g += 0x9E3779B97F4A7C15
	z := uint64(*g)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func (g *generator) uni() float32 { return float32(int32(g.next()>>40)-1<<23) * 0x1p-23 }

func (g *generator) gau() float32 {
	var s int32
	for range 4 {
		s += int32(g.next()>>42) - 1<<21
	}
	return float32(s) * 0x1p-23
}

// matrix generates distribution dist and its column weights.
func matrix(seed uint64, dist string, rows, cols int) (x, weights []float32) {
	index := 0
	for i, d := range distributions {
		if d == dist {
			index = i
		}
	}
	g := generator(seed*1000003 + uint64(index))
	x = make([]float32, rows*cols)
	for i := range x {
		switch dist {
		case "uniform":
			x[i] = g.uni()
		case "gauss":
			x[i] = g.gau() * 0.0625
		case "outlier":
			x[i] = g.gau() * 0.0625
			if i%97 == 0 {
				x[i] *= 16
			}
		case "const":
			x[i] = 0.5
		case "tiny":
			x[i] = g.gau() * 0x1p-30
		case "large":
			x[i] = g.gau() * 32768
		case "sparse":
			x[i] = g.gau()
			if i/32%3 == 1 {
				x[i] = 0
			}
		case "ramp":
			x[i] = float32(i%cols-cols/2) * 0x1p-10
		case "onesided":
			x[i] = abs(g.gau()*0.25) + 0.5
		}
	}
	weights = make([]float32, cols)
	for i := range weights {
		weights[i] = float32(int32(g.next()>>40)+1) * 0x1p-24
	}
	return x, weights
}

func floatHash(x []float32) string {
	h := sha256.New()
	for _, v := range x {
		_ = binary.Write(h, binary.LittleEndian, math.Float32bits(v))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func checkBlocks(t *testing.T, file string) {
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	var all blocks
	require.NoError(t, json.Unmarshal(b, &all))
	matched, of := 0, 0
	for _, r := range all.Records {
		typ, err := gguf.ParseType(r.Type)
		require.NoError(t, err)
		c, ok := For(typ)
		require.True(t, ok, "%s is not encoded", r.Type)
		of++
		x, w := matrix(all.Seed, r.Dist, all.Rows, all.Cols)
		if !r.Imatrix {
			w = nil
		}
		enc := make([]byte, typ.RowBytes(int64(all.Cols))*int64(all.Rows))
		c.Encode(enc, x, all.Cols, w)
		sum := sha256.Sum256(enc)
		dec := make([]float32, len(x))
		c.Decode(dec, enc)
		if got := hex.EncodeToString(sum[:]); got != r.SHA256 {
			t.Errorf("%s %s imatrix=%v: encoded %s, want %s; begins %x, want %s", r.Type, r.Dist, r.Imatrix, got, r.SHA256, enc[:len(r.Head)/2], r.Head)
		} else if got := floatHash(dec); got != r.Dequant {
			t.Errorf("%s %s imatrix=%v: decoded %s, want %s", r.Type, r.Dist, r.Imatrix, got, r.Dequant)
		} else {
			matched++
		}
	}
	t.Logf("matched %d of %d", matched, of)
	require.Equal(t, of, matched)
	require.NotZero(t, of)
}

func TestGoldenBlocks(t *testing.T) {
	dir := os.Getenv("CARAT_GOLDEN")
	if dir == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	checkBlocks(t, filepath.Join(dir, "golden", "blocks.json"))
}

// TestBlocks checks every format on three distributions without the golden data.
func TestBlocks(t *testing.T) { checkBlocks(t, filepath.Join("testdata", "blocks.json")) }

func TestGeneratorIsTheGoldenDatas(t *testing.T) {
	x, w := matrix(1, "gauss", 4, 1024)
	require.Equal(t, "3d2e6a53487488279d9a75bae90ebe912938a7a991b15cb8b352bb952853b9c2", floatHash(x))
	require.Equal(t, "edcd84ee72e205b3c1081a9deef51ce74a782f6a90def439598a313d7462a07d", floatHash(w))
}

func TestHalf(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		f := F16ToF32(h)
		if f != f {
			require.Equal(t, h&0x8000|0x7e00, F32ToF16(f))
			continue
		}
		require.Equal(t, h, F32ToF16(f), "%04x", h)
	}
	for _, c := range []struct {
		f float32
		h uint16
	}{{65519.996, 0x7bff}, {65520, 0x7c00}, {0x1p-25, 0}, {math.Nextafter32(0x1p-25, 1), 1}, {0x1.8p-24, 2}, {1 + 0x1p-11, 0x3c00}, {1 + 0x3p-11, 0x3c02}, {float32(math.Copysign(0, -1)), 0x8000}} {
		require.Equal(t, c.h, F32ToF16(c.f), "%v", c.f)
	}
	require.Equal(t, uint16(0x3f80), F32ToBF16(1+0x1p-8))
	require.Equal(t, uint16(0x3f82), F32ToBF16(1+0x3p-8))
	require.Equal(t, uint16(0x7fc0), F32ToBF16(float32(math.NaN())))
}

func TestRowsAreIndependent(t *testing.T) {
	x, w := matrix(7, "outlier", 3, 512)
	for typ, c := range codecs {
		rb := int(typ.RowBytes(512))
		whole := make([]byte, 3*rb)
		c.Encode(whole, x, 512, w)
		for r := range 3 {
			one := make([]byte, rb)
			c.Encode(one, x[r*512:(r+1)*512], 512, w)
			require.Equal(t, whole[r*rb:(r+1)*rb], one, "%v row %d", typ, r)
		}
	}
}

func FuzzEncode(f *testing.F) {
	f.Add([]byte{0, 0, 0x80, 0x7f, 0, 0, 0xc0, 0x7f, 1, 0, 0, 0, 0xff, 0xff, 0x7f, 0x7f})
	f.Add([]byte{0, 0, 0x80, 0x3f})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 4 {
			return
		}
		x, w := make([]float32, 256), make([]float32, 256)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[i*4%(len(b)-3):]))
			w[i] = abs(x[i])
		}
		for typ, c := range codecs {
			enc := make([]byte, typ.RowBytes(256))
			c.Encode(enc, x, 256, nil)
			c.Decode(make([]float32, 256), enc)
			c.Encode(enc, x, 256, w)
			c.Decode(make([]float32, 256), enc)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	bench(b, func(c *Codec, enc []byte, x, w []float32) { c.Encode(enc, x, 4096, nil) })
}

func BenchmarkEncodeWeighed(b *testing.B) {
	bench(b, func(c *Codec, enc []byte, x, w []float32) { c.Encode(enc, x, 4096, w) })
}

// bench reports MB/s of float32.
func bench(b *testing.B, run func(c *Codec, enc []byte, x, w []float32)) {
	x, w := matrix(1, "gauss", 4, 4096)
	for typ, c := range codecs {
		b.Run(strings.ToLower(typ.String()), func(b *testing.B) {
			enc := make([]byte, typ.RowBytes(int64(len(x))))
			y := append([]float32(nil), x...)
			c.Encode(enc, x, 4096, nil)
			b.SetBytes(int64(len(x) * 4))
			for b.Loop() {
				run(c, enc, y, w)
			}
		})
	}
}
