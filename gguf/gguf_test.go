package gguf

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func sampleMetadata() *Metadata {
	md := &Metadata{}
	md.Set("general.architecture", "llama")
	md.Set("u8", uint8(200))
	md.Set("i8", int8(-5))
	md.Set("u16", uint16(60000))
	md.Set("i16", int16(-300))
	md.Set("u32", uint32(1<<31))
	md.Set("i32", int32(-1<<30))
	md.Set("f32", float32(1.5))
	md.Set("bool", true)
	md.Set("u64", uint64(1<<63))
	md.Set("i64", int64(-1<<60))
	md.Set("f64", 2.25)
	md.Set("arr.u8", []uint8{1, 2})
	md.Set("arr.i8", []int8{-1})
	md.Set("arr.u16", []uint16{1})
	md.Set("arr.i16", []int16{-1})
	md.Set("arr.u32", []uint32{7})
	md.Set("arr.i32", []int32{-7, 7})
	md.Set("arr.f32", []float32{0.5, -1})
	md.Set("arr.bool", []bool{true, false})
	md.Set("arr.str", []string{"a", "", "ü"})
	md.Set("arr.u64", []uint64{9})
	md.Set("arr.i64", []int64{-9})
	md.Set("arr.f64", []float64{1e300})
	md.Set("arr.empty", []string{})
	md.Set("arr.arr", []any{[]int32{1, 2}, []string{"x"}})
	return md
}

func sampleTensors() []TensorInfo {
	return []TensorInfo{
		{"token_embd.weight", Q4_K, []int64{256, 3}},
		{"blk.0.norm.weight", F32, []int64{5}},
		{"blk.0.exps.weight", F16, []int64{4, 3, 2}},
		{"one.weight", Q8_0, []int64{32, 1}},
	}
}

// fill gives tensor i bytes that tell where they belong.
func fill(i int, n int64) []byte {
	b := make([]byte, n)
	for j := range b {
		b[j] = byte(i*31 + j*7)
	}
	return b
}

func write(t *testing.T, path string, md *Metadata, ts []TensorInfo) {
	t.Helper()
	w, err := Create(path, md, ts)
	require.NoError(t, err)
	defer w.Abort()
	var wg sync.WaitGroup
	for i := len(ts) - 1; i >= 0; i-- {
		data := fill(i, ts[i].Bytes())
		half := len(data) / 2
		wg.Go(func() { require.NoError(t, w.WriteAt(i, data[half:], int64(half))) })
		wg.Go(func() { require.NoError(t, w.WriteAt(i, data[:half], 0)) })
	}
	wg.Wait()
	require.NoFileExists(t, path)
	require.NoError(t, w.Commit())
}

func TestRoundTrip(t *testing.T) {
	for _, alignment := range []uint32{32, 64, 8} {
		path := filepath.Join(t.TempDir(), "m.gguf")
		md, ts := sampleMetadata(), sampleTensors()
		if alignment != 32 {
			md.Set("general.alignment", alignment)
		}
		write(t, path, md, ts)
		size, err := FileSize(md, ts)
		require.NoError(t, err)
		st, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, size, st.Size())

		f, err := Open(path)
		require.NoError(t, err)
		require.Equal(t, md.All(), f.Metadata().All())
		require.Len(t, f.Tensors(), len(ts))
		for i, x := range f.Tensors() {
			want := fill(i, ts[i].Bytes())
			require.Equal(t, ts[i].Shape, x.Info().Shape)
			require.Equal(t, ts[i].Type, x.Info().Type)
			require.Equal(t, want, x.(Mapped).Bytes())
			got := make([]byte, x.Info().RowBytes())
			last := x.Info().Rows() - 1
			require.NoError(t, x.ReadRows(got, last, 1))
			require.Equal(t, want[len(want)-len(got):], got)
			require.Error(t, x.ReadRows(got, last+1, 1))
			require.Error(t, x.ReadRows(got, -1, 1))
			require.Error(t, x.ReadRows(got[1:], 0, 1))
		}
		require.NoError(t, f.Close())
	}
}

func TestVersion2(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	write(t, path, sampleMetadata(), sampleTensors())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	binary.LittleEndian.PutUint32(b[4:], 2)
	h, err := parse(bytes.NewReader(b), int64(len(b)), "v2")
	require.NoError(t, err)
	require.Len(t, h.tensors, 4)
}

func TestEveryTruncationIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	ts := sampleTensors()
	write(t, path, sampleMetadata(), ts)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	padding := int(pad(ts[3].Bytes(), 32) - ts[3].Bytes()) // behind the last tensor: not needed to read
	for n := 0; n < len(b)-padding; n++ {
		_, err := parse(bytes.NewReader(b[:n]), int64(n), "cut.gguf")
		require.ErrorIs(t, err, ErrInput, "cut at %d", n)
		require.ErrorContains(t, err, "cut.gguf")
	}
}

func TestSplits(t *testing.T) {
	dir := t.TempDir()
	ts := sampleTensors()
	for i := range 2 {
		md := &Metadata{}
		if i == 0 {
			md = sampleMetadata()
		}
		md.Set("split.no", uint16(i))
		md.Set("split.count", uint16(2))
		md.Set("split.tensors.count", int32(4))
		write(t, SplitPath(filepath.Join(dir, "m"), i+1, 2), md, ts[i*2:i*2+2])
	}
	f, err := Open(SplitPath(filepath.Join(dir, "m"), 1, 2))
	require.NoError(t, err)
	require.Len(t, f.Tensors(), 4)
	require.Equal(t, sampleMetadata().All(), f.Metadata().All())
	require.NoError(t, f.Close())

	_, err = Open(SplitPath(filepath.Join(dir, "m"), 2, 2))
	require.ErrorIs(t, err, ErrInput)
	require.ErrorContains(t, err, "open the first one")
	require.NoError(t, os.Remove(SplitPath(filepath.Join(dir, "m"), 2, 2)))
	_, err = Open(SplitPath(filepath.Join(dir, "m"), 1, 2))
	require.ErrorIs(t, err, ErrInput)
	require.ErrorContains(t, err, "m-00002-of-00002.gguf: no such file")
}

func TestWriterRefusals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	md := &Metadata{}
	for _, c := range []struct {
		tensor TensorInfo
		reason string
	}{
		{TensorInfo{"a", Q4_K, []int64{32}}, "block size of Q4_K, which is 256"},
		{TensorInfo{strings.Repeat("x", 64), F32, []int64{1}}, "(got 64)"},
		{TensorInfo{"a", Type(4), []int64{32}}, "unknown tensor type"},
		{TensorInfo{"a", F32, []int64{2, 0, 2}}, "shape"},
		{TensorInfo{"a", F32, nil}, "dimensions"},
	} {
		_, err := Create(path, md, []TensorInfo{c.tensor})
		require.ErrorContains(t, err, c.reason)
	}
	_, err := Create(path, md, []TensorInfo{{"a", F32, []int64{1 << 50}}})
	require.ErrorIs(t, err, ErrEnvironment)
	md.Set("x", 5)
	_, err = Create(path, md, nil)
	require.ErrorContains(t, err, "Go type int")
	require.NoFileExists(t, path)

	w, err := Create(path, &Metadata{}, []TensorInfo{{"a", F32, []int64{2}}})
	require.NoError(t, err)
	require.Error(t, w.WriteAt(0, make([]byte, 8), 4))
	require.NoError(t, w.Abort())
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Empty(t, entries, "nothing is left")
}

func TestMetadataKeepsOrder(t *testing.T) {
	md := &Metadata{}
	for _, k := range []string{"a", "b", "c", "d"} {
		md.Set(k, k)
	}
	md.Delete("b")
	md.Set("a", "A")
	md.Append("c", "C")
	require.Equal(t, []KV{{"a", "A"}, {"d", "d"}, {"c", "C"}}, md.All())
	v, ok := md.String("c")
	require.True(t, ok)
	require.Equal(t, "C", v)
}

// badCases returns the malformed GGUF files beside this test, and those of the golden data.
func badCases(t *testing.T) (dir string, names []string) {
	dir = filepath.Join(os.Getenv("CARAT_GOLDEN"), "golden", "bad")
	if os.Getenv("CARAT_GOLDEN") == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	b, err := os.ReadFile(filepath.Join(dir, "cases.json"))
	require.NoError(t, err)
	var cases []struct{ File string }
	require.NoError(t, json.Unmarshal(b, &cases))
	for _, c := range cases {
		// A NaN weight is sound structure: it is refused when weights are read.
		if strings.HasSuffix(c.File, ".gguf") && c.File != "nan-tensor.gguf" {
			names = append(names, c.File)
		}
	}
	return dir, names
}

func TestGoldenBad(t *testing.T) {
	dir, names := badCases(t)
	matched := 0
	for _, n := range names {
		f, err := Open(filepath.Join(dir, n))
		if err == nil {
			f.Close()
		}
		var fe *FormatError
		if assertBad := err != nil; assertBad {
			require.ErrorAs(t, err, &fe, n)
			require.ErrorContains(t, err, n)
			t.Log(err)
			matched++
		} else {
			t.Errorf("%s was accepted", n)
		}
	}
	t.Logf("matched %d of %d", matched, len(names))
	require.NotZero(t, len(names))
	require.Equal(t, len(names), matched)
	f, err := Open(filepath.Join(dir, "good.gguf"))
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

func FuzzParse(f *testing.F) {
	md := sampleMetadata()
	head, _, size, err := layout(md, sampleTensors())
	require.NoError(f, err)
	good := make([]byte, size)
	copy(good, head)
	f.Add(good)
	f.Add(good[:100])
	f.Add([]byte("GGUF\x03\x00\x00\x00"))
	f.Add([]byte("<!doctype html>"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parse(bytes.NewReader(b), int64(len(b)), "fuzz")
		if err != nil {
			require.ErrorIs(t, err, ErrInput)
			return
		}
		for _, x := range h.tensors {
			require.LessOrEqual(t, x.offset+x.Bytes(), int64(len(b)))
		}
	})
}
