package vocab

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// compactJSON writes v as the golden data hash it: no spaces, no escapes of what is not ASCII, floats as
// Python prints them.
func compactJSON(v any) string {
	if f, ok := v.([]float32); ok {
		var b bytes.Buffer
		b.WriteByte('[')
		for i, x := range f {
			if i > 0 {
				b.WriteByte(',')
			}
			s := fmt.Sprintf("%v", float64(x))
			if x == float32(int64(x)) {
				s = fmt.Sprintf("%.1f", x)
			}
			b.WriteString(s)
		}
		b.WriteByte(']')
		return b.String()
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	// Go escapes these two; Python does not.
	out := bytes.ReplaceAll(bytes.TrimSuffix(b.Bytes(), []byte("\n")), []byte(`\u2028`), []byte("\u2028"))
	return string(bytes.ReplaceAll(out, []byte(`\u2029`), []byte("\u2029")))
}

func same(got, want any) bool {
	if m, ok := want.(map[string]any); ok {
		text, isText := got.(string)
		if !isText {
			text = compactJSON(got)
		}
		sum := sha256.Sum256([]byte(text))
		h := hex.EncodeToString(sum[:])
		return h == m["sha256_of_json"] || h == m["sha256"]
	}
	return fmt.Sprint(got) == fmt.Sprint(want)
}

// TestGoldenVocab compares real tokenizers' entries, keys, order and values.
func TestGoldenVocab(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	xz, err := exec.LookPath("xz")
	if golden == "" || err != nil {
		t.Skip("CARAT_GOLDEN is not set, or there is no xz")
	}
	files, err := filepath.Glob(filepath.Join(golden, "tokenizers", "*", "gguf.json"))
	require.NoError(t, err)
	matched, of := 0, 0
	for _, file := range files {
		var want struct {
			Class     string
			VocabSize float64 `json:"vocab_size"`
			KV        [][3]any
		}
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(b, &want))
		dir := t.TempDir()
		cmd := exec.Command(xz, "-dc", filepath.Join(filepath.Dir(file), "tokenizer.json.xz"))
		b, err = cmd.Output()
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "tokenizer.json"), b, 0o600))
		b, err = os.ReadFile(filepath.Join(filepath.Dir(file), "tokenizer_config.json"))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "tokenizer_config.json"), b, 0o600))
		got, err := Load(dir, Options{Class: want.Class, Config: map[string]any{"vocab_size": want.VocabSize}})
		require.NoError(t, err, file)
		for i := range max(len(got), len(want.KV)) {
			of++
			switch {
			case i >= len(got) || i >= len(want.KV):
				t.Errorf("%s: %d entries, want %d", file, len(got), len(want.KV))
			case got[i].Key != want.KV[i][0]:
				t.Errorf("%s: entry %d is %s = %v, want %v", file, i, got[i].Key, got[i].Value, want.KV[i])
			case !same(got[i].Value, want.KV[i][2]):
				t.Errorf("%s: %s differs from %v", file, got[i].Key, want.KV[i][2])
			default:
				matched++
			}
		}
	}
	t.Logf("matched %d of %d", matched, of)
	require.NotZero(t, of)
	require.Equal(t, of, matched)
}

func goldenDir(t *testing.T) string {
	t.Helper()
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	return golden
}

func readGolden(t *testing.T, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, v))
}

func FuzzModel(f *testing.F) {
	f.Add([]byte("\x0a\x0a\x0a\x01a\x15\x00\x00\x80\x3f\x18\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := parseModel(b, "fuzz"); err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
		}
	})
}

func FuzzTokenizerJSON(f *testing.F) {
	f.Add([]byte(`{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"pre_tokenizer":{"type":"ByteLevel"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		fo := &folder{dir: "fuzz"}
		if json.Unmarshal(b, &fo.json) != nil || fo.json == nil {
			return
		}
		var l list
		if err := fo.byteLevel(&l); err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
		}
	})
}
