package codec

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// TestGoldenErrors compares the error of decoded values with what the golden data state.
func TestGoldenErrors(t *testing.T) {
	dir := os.Getenv("CARAT_GOLDEN")
	if dir == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	b, err := os.ReadFile(filepath.Join(dir, "golden", "blocks.json"))
	require.NoError(t, err)
	var all struct {
		Seed       uint64
		Rows, Cols int
		Records    []struct {
			Type, Dist string
			Imatrix    bool
			NMSE       float64
		}
	}
	require.NoError(t, json.Unmarshal(b, &all))
	matched := 0
	for _, r := range all.Records {
		typ, err := gguf.ParseType(r.Type)
		require.NoError(t, err)
		c, ok := For(typ)
		require.True(t, ok, "%s is not encoded", r.Type)
		x, w := matrix(all.Seed, r.Dist, all.Rows, all.Cols)
		if !r.Imatrix {
			w = nil
		}
		var e, power float64
		for i, y := range roundTrip(c, x, all.Cols, w) {
			d := float64(x[i]) - float64(y)
			e += d * d
			power += float64(x[i]) * float64(x[i])
		}
		if power > 0 {
			e /= power
		}
		require.InDelta(t, r.NMSE, e, 1e-5*r.NMSE, "%s of %s, imatrix %v", r.Type, r.Dist, r.Imatrix)
		matched++
	}
	t.Logf("matched %d of %d", matched, len(all.Records))
	require.NotZero(t, matched)
}

func roundTrip(c *Codec, x []float32, cols int, w []float32) []float32 {
	enc := make([]byte, c.Type.RowBytes(int64(len(x))))
	c.Encode(enc, x, cols, w)
	y := make([]float32, len(x))
	c.Decode(y, enc)
	return y
}

// TestStepBounds checks each element: rounding to a grid of n steps over the block's range errs by half a step,
// and the f16 scale adds a little.
func TestStepBounds(t *testing.T) {
	x, _ := matrix(3, "outlier", 2, 1024)
	for _, f := range []struct {
		typ   gguf.Type
		steps float32 // over the range from -max|x| to max|x|
	}{{gguf.Q8_0, 254}, {gguf.Q4_1, 15}, {gguf.Q5_1, 31}} {
		c, _ := For(f.typ)
		y := roundTrip(c, x, 1024, nil)
		for i := 0; i < len(x); i += 32 {
			_, most := absMax(x[i : i+32])
			for j := i; j < i+32; j++ {
				require.LessOrEqual(t, abs(x[j]-y[j]), most/f.steps+most*0x1p-9, "%v element %d", f.typ, j)
			}
		}
	}
}

// TestHalfRounding checks every border between neighbouring halves: the middle goes to the even one.
func TestHalfRounding(t *testing.T) {
	for h := range uint16(0x7bff) {
		middle := float32((float64(F16ToF32(h)) + float64(F16ToF32(h+1))) / 2)
		require.Equal(t, h+h&1, F32ToF16(middle), "middle above %04x", h)
		require.Equal(t, h, F32ToF16(math.Nextafter32(middle, 0)), "below the middle above %04x", h)
		require.Equal(t, h+1, F32ToF16(math.Nextafter32(middle, 1e9)), "above the middle above %04x", h)
		require.Equal(t, (h+h&1)|0x8000, F32ToF16(-middle), "minus the middle above %04x", h)
	}
	require.Equal(t, uint16(0x7c00), F32ToF16(math.MaxFloat32))
	require.Equal(t, uint16(0xfc00), F32ToF16(float32(math.Inf(-1))))
}

func TestBrainRoundTrip(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		f := BF16ToF32(h)
		if f != f {
			h |= 64 // quiet
		}
		require.Equal(t, h, F32ToBF16(f), "%04x", i)
	}
	require.Equal(t, uint16(0x7f80), F32ToBF16(math.MaxFloat32))
}

// TestStaysInside encodes and decodes one to three blocks between canaries.
func TestStaysInside(t *testing.T) {
	const canary = 0xa5
	for typ, c := range codecs {
		for blocks := 1; blocks <= 3; blocks++ {
			cols := blocks * typ.BlockSize()
			x, w := matrix(5, "gauss", 2, cols)
			for _, w := range [][]float32{nil, w} {
				n := int(typ.RowBytes(int64(2 * cols)))
				enc := make([]byte, n+64)
				for i := range enc {
					enc[i] = canary
				}
				c.Encode(enc, x, cols, w)
				for i, b := range enc[n:] {
					require.Equal(t, byte(canary), b, "%v wrote %d bytes after its end", typ, i)
				}
				y := make([]float32, 2*cols+8)
				c.Decode(y[:2*cols], enc[:n:n])
				require.Equal(t, make([]float32, 8), y[2*cols:], "%v", typ)
			}
		}
	}
}

func TestNoAllocations(t *testing.T) {
	x, w := matrix(1, "gauss", 2, 512)
	for typ, c := range codecs {
		enc, y := make([]byte, typ.RowBytes(int64(len(x)))), make([]float32, len(x))
		require.Zero(t, testing.AllocsPerRun(2, func() {
			c.Encode(enc, x, 512, nil)
			c.Encode(enc, x, 512, w)
			c.Decode(y, enc)
		}), "%v", typ)
	}
}

// FuzzDecode decodes arbitrary blocks.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0xff})
	f.Add([]byte{0, 0x7c, 1, 0xfe})
	f.Fuzz(func(_ *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		for typ, c := range codecs {
			enc := make([]byte, typ.RowBytes(512))
			for i := range enc {
				enc[i] = b[i%len(b)]
			}
			c.Decode(make([]float32, 512), enc)
		}
	})
}
