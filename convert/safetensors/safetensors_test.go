package safetensors

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

func file(head string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(head)))
	return append(append(b, head...), make([]byte, data)...)
}

func TestHeaders(t *testing.T) {
	const good = `{"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}`
	b := file(good, 12)
	spans, err := readHeader(bytes.NewReader(b), int64(len(b)), "good")
	require.NoError(t, err)
	require.Equal(t, "a", spans[0].name)
	require.Equal(t, gguf.BF16, spans[1].typ)
	require.Equal(t, int64(8+len(good)), spans[1].begin)

	for head, part := range map[string]string{
		`[]`:   "header",
		`null`: "header",
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`:  "names",
		`{"a":{"dtype":"Q7","shape":[1],"data_offsets":[0,4]}}`:                                                        "dtype",
		`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`:                                                       "shape",
		`{"a":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,4]}}`:                        "shape",
		`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`:                                                       "offsets",
		`{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,36]}}`:                                                      "offsets",
		`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`: "offsets",
	} {
		b := file(head, 16)
		_, err := readHeader(bytes.NewReader(b), int64(len(b)), "bad.safetensors")
		require.ErrorIs(t, err, gguf.ErrInput, head)
		require.ErrorContains(t, err, "bad.safetensors: safetensors "+part, head)
	}
}

func FuzzHeader(f *testing.F) {
	f.Add(file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4))
	f.Add(file(`{}`, 0))
	f.Fuzz(func(t *testing.T, b []byte) {
		spans, err := readHeader(bytes.NewReader(b), int64(len(b)), "fuzz")
		if err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
		}
		for _, s := range spans {
			require.LessOrEqual(t, s.end, int64(len(b)))
		}
	})
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"weight_map":{"a":"model-00001-of-00002.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"../x"}}`))
	f.Add([]byte(`{"weight_map":null}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		where, err := parseIndex(b, "index")
		if err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
		}
		for _, file := range where {
			require.Equal(t, filepath.Base(file), file, "shards lie in the folder")
		}
	})
}

func TestIndexNamesMissingFile(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "model.safetensors.index.json"), []byte(`{"weight_map":{"a":"model-00001-of-00001.safetensors"}}`), 0o600))
	_, err := Open(dir)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "model-00001-of-00001.safetensors: missing file: the index names it")
}
