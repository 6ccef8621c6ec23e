package gguf

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseKV(t *testing.T) {
	for s, want := range map[string]any{
		"u8:255": uint8(255), "i8:-128": int8(-128), "u16:65535": uint16(65535), "i16:-1": int16(-1), "u32:7": uint32(7), "i32:-7": int32(-7),
		"u64:18446744073709551615": uint64(1<<64 - 1), "i64:-9": int64(-9), "f32:0.1": float32(0.1), "f64:0.1": 0.1, "bool:true": true,
		"str:a=b:c": "a=b:c", "str:": "",
		`arr[str]:["a","ü\n"]`: []string{"a", "ü\n"}, "arr[u8]:[1, 2]": []uint8{1, 2}, "arr[i32]:[]": []int32{}, "arr[f32]:[1,2.5e3]": []float32{1, 2500},
		"arr[bool]:[true,false]": []bool{true, false}, "arr[u64]:[18446744073709551615]": []uint64{1<<64 - 1},
	} {
		kv, err := ParseKV("a.b=" + s)
		require.NoError(t, err, s)
		require.Equal(t, KV{"a.b", want}, kv)
	}
	for _, s := range []string{
		"", "a", "a=u8", "=u8:1", "a=u8:256", "a=u8:-1", "a=i8:128", "a=i32:1.5", "a=f32:inf", "a=f32:1e39", "a=bool:yes", "a=int:1", "a=arr:[1]",
		"a=arr[u8]:1", "a=arr[u8]:null", "a=arr[u8]:[256]", "a=arr[u8]:[\"1\"]", "a=arr[str]:[1]", "a=arr[str]:[null]", "a=arr[arr[u8]]:[[1]]", "a=arr[u8:[1]",
	} {
		_, err := ParseKV(s)
		require.Error(t, err, s)
	}
}

func FuzzParseKV(f *testing.F) {
	f.Add("a=arr[str]:[\"x\"]")
	f.Add("a=u64:1")
	f.Fuzz(func(t *testing.T, s string) {
		kv, err := ParseKV(s)
		if err != nil {
			return
		}
		require.True(t, strings.HasPrefix(s, kv.Key+"="))
		require.NoError(t, (&encoder{}).value(kv.Key, kv.Value))
	})
}

func TestEdit(t *testing.T) {
	md := &Metadata{}
	md.Set("general.architecture", "llama")
	md.Set("general.name", "a")
	md.Set("llama.context_length", uint32(5))
	md.Set("general.url", "u")
	before := md.Clone()
	out, err := Edit{
		Delete: []string{"general.url"},
		Rename: []Renaming{{"general.name", "general.url"}},
		Set:    []KV{{"llama.context_length", uint32(9)}, {"new", true}, {"general.url", "c"}},
	}.Apply(md)
	require.NoError(t, err)
	require.Equal(t, []KV{{"general.architecture", "llama"}, {"general.url", "c"}, {"llama.context_length", uint32(9)}, {"new", true}}, out.All())
	v, _ := out.String("general.url")
	require.Equal(t, "c", v)
	require.Equal(t, before.All(), md.All())

	for reason, e := range map[string]Edit{
		"no key x to delete": {Delete: []string{"x"}},
		"no key x to rename": {Rename: []Renaming{{"x", "y"}}},
		"this edit is refused: cannot rename general.name to general.url: that key already exists": {Rename: []Renaming{{"general.name", "general.url"}}},
		"general.architecture would":     {Set: []KV{{"general.architecture", "gpt2"}}},
		"general.alignment would":        {Set: []KV{{"general.alignment", uint32(64)}}},
		"llama.context_length would":     {Delete: []string{"llama.context_length"}},
		"llama.block_count would":        {Rename: []Renaming{{"general.name", "llama.block_count"}}},
		"split.count is set by":          {Set: []KV{{"split.count", uint16(2)}}, Force: true},
		"general.name has another":       {Set: []KV{{"general.name", uint32(2)}}},
		"must be a uint32 that is a pow": {Set: []KV{{"general.alignment", uint32(3)}}, Force: true},
		"metadata key \"\": a key must have between 1 and 65535 bytes (got 0)": {Set: []KV{{"", true}}},
	} {
		_, err := e.Apply(md)
		require.ErrorIs(t, err, ErrEdit, reason)
		require.ErrorContains(t, err, reason)
	}
	_, err = Edit{Set: []KV{{"general.architecture", "gpt2"}}, Force: true}.Apply(md)
	require.NoError(t, err)
}

// TestReplace rewrites a file and a split in their places.
func TestReplace(t *testing.T) {
	for _, s := range []Split{{}, {MaxTensors: 2}, {Counts: []int{0, 4}}} {
		dir := t.TempDir()
		path := writeSplit(t, dir, s)[0]
		f, err := Open(path)
		require.NoError(t, err)
		md, err := Edit{Set: []KV{{"u8", uint8(1)}, {"general.alignment", uint32(64)}}, Force: true}.Apply(f.Metadata())
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		other, err := Open(path)
		require.NoError(t, err)
		require.ErrorIs(t, other.Replace(ctx, md, nil), context.Canceled)
		files := len(f.Paths())
		require.NoError(t, f.Replace(context.Background(), md, nil))
		f, err = Open(path)
		require.NoError(t, err)
		defer f.Close()
		require.Equal(t, md.All(), f.Metadata().All())
		for i, x := range f.Tensors() {
			require.Equal(t, fill(i, x.Info().Bytes()), x.(Mapped).Bytes())
		}
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, files, "no other file is left")
	}
}

// TestReplaceFollowsLinks: the file at their end is replaced, and they stay.
func TestReplaceFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.gguf")
	write(t, path, sampleMetadata(), sampleTensors())
	link := filepath.Join(dir, "link.gguf")
	if os.Symlink(path, link) != nil {
		t.Skip("no symbolic links here")
	}
	f, err := Open(link)
	require.NoError(t, err)
	md := f.Metadata().Clone()
	md.Set("general.name", "new")
	require.NoError(t, f.Replace(context.Background(), md, nil))
	st, err := os.Lstat(link)
	require.NoError(t, err)
	require.NotZero(t, st.Mode()&os.ModeSymlink)
	f, err = Open(path)
	require.NoError(t, err)
	defer f.Close()
	name, _ := f.Metadata().String("general.name")
	require.Equal(t, "new", name)
}
