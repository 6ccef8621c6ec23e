package quantize

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// TestStepRows: whole lanes where that is possible, at least stepElements, and never much more than a chunk.
func TestStepRows(t *testing.T) {
	for cols, want := range map[int64]int64{
		256: 64, 2048: 8, 4096: 4, 5120: 4, 8192: 2, 8960: 16, 18944: 8, 28672: 1, 1 << 20: 1,
		576: 64, 14368: 16, // of blocks of 32
		1: 16384, 49153: 4, 1<<20 + 1: 1,
	} {
		require.Equal(t, want, stepRows(cols, false), "%d columns", cols)
	}
	for cols, want := range map[int64]int64{2048: 16, 8192: 16, 28672: 8, 1 << 20: 1} {
		require.Equal(t, want, stepRows(cols, true), "%d columns, weighted", cols)
	}
}

// one16 is a tensor of 16-bit floats that are 0 but for one.
type one16 struct {
	gguf.TensorInfo
	at    int64
	value uint16
}

func (t *one16) Info() gguf.TensorInfo { return t.TensorInfo }
func (t *one16) ReadRows(dst []byte, first, n int64) error {
	clear(dst)
	if i := t.at - first*t.Cols(); i >= 0 && i < n*t.Cols() {
		binary.LittleEndian.PutUint16(dst[2*i:], t.value)
	}
	return nil
}

// TestBrokenCopies: what is copied is checked without being decoded, and refused with its place.
func TestBrokenCopies(t *testing.T) {
	for typ, values := range map[gguf.Type][]uint16{gguf.F16: {0x7bff, 0x7c00, 0xfe01}, gguf.BF16: {0xff7f, 0xff80, 0x7fc0}} {
		for i, v := range values {
			m := single(ones(512), 256, 2)
			m.ts = append(m.ts, &one16{gguf.TensorInfo{Name: "blk.0.y.weight", Type: typ, Shape: []int64{1024, 700}}, 600*1024 + 77, v})
			p, err := NewPlan(m, Options{FileType: recipe.Copy})
			require.NoError(t, err)
			err = p.Run(context.Background(), filepath.Join(t.TempDir(), "out.gguf"), nil)
			if i == 0 {
				require.NoError(t, err, "the largest number")
				continue
			}
			require.ErrorIs(t, err, gguf.ErrInput)
			require.ErrorContains(t, err, fmt.Sprintf("tensor %s: row 600 column 77 is", "blk.0.y.weight"))
		}
	}
}
