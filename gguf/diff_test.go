package gguf

import (
	"context"
	"math"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDiffMetadata(t *testing.T) {
	a, b := sampleMetadata(), sampleMetadata()
	a.Set("nan", float32(math.NaN()))
	b.Append("u8", uint8(200)) // another place is no difference
	b.Set("nan", float32(math.NaN()))
	require.Empty(t, DiffMetadata(a, b))
	b.Delete("f32")
	b.Set("u32", int32(-1<<31)) // the same bytes of another type
	b.Set("arr.str", []string{"a", "", "u"})
	b.Set("new", true)
	require.Equal(t, []MetadataChange{
		{"u32", Changed, uint32(1 << 31), int32(-1 << 31)},
		{"f32", Removed, float32(1.5), nil},
		{"arr.str", Changed, []string{"a", "", "ü"}, []string{"a", "", "u"}},
		{"new", Added, nil, true},
	}, DiffMetadata(a, b))
}

func TestDiffTensors(t *testing.T) {
	dir := t.TempDir()
	open := func(name string, ts []TensorInfo, fillOf func(i int) []byte) *File {
		path := filepath.Join(dir, name)
		w, err := Create(path, sampleMetadata(), ts)
		require.NoError(t, err)
		for i := range ts {
			require.NoError(t, w.WriteAt(i, fillOf(i), 0))
		}
		require.NoError(t, w.Commit())
		f, err := Open(path)
		require.NoError(t, err)
		t.Cleanup(func() { f.Close() })
		return f
	}
	ts := sampleTensors()
	same := func(i int) []byte { return fill(i, ts[i].Bytes()) }
	a := open("a.gguf", ts, same)
	changes, err := DiffTensors(context.Background(), a, a, 2, nil)
	require.NoError(t, err)
	require.Empty(t, changes)

	others := sampleTensors()
	others[0].Name = "other"
	others[1].Shape = []int64{1, 5}
	others[2].Type = BF16
	b := open("b.gguf", others, func(i int) []byte {
		data := same(i)
		data[len(data)-1]++
		return data
	})
	for _, threads := range []int{1, 4} {
		changes, err = DiffTensors(context.Background(), a, b, threads, nil)
		require.NoError(t, err)
		var got []string
		for _, c := range changes {
			got = append(got, c.Name+" "+string(c.Change)+" "+c.Differs())
		}
		require.Equal(t, []string{
			"token_embd.weight removed ", "blk.0.norm.weight changed shape", "blk.0.exps.weight changed type", "one.weight changed data", "other added ",
		}, got)
	}
}
