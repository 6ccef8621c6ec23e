package chat

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/ardanlabs/jinja"
	"github.com/stretchr/testify/require"

	"github.com/carat-llm/carat/gguf"
)

// templateOf finds the template that expected.py names: of testdata, of the tests of the jinja module in the module cache, or
// of the golden data; ok is false where that is not there.
func templateOf(t *testing.T, name string) (source string, ok bool) {
	t.Helper()
	kind, base, _ := strings.Cut(name, "/")
	path := filepath.Join("testdata", "templates", base)
	switch kind {
	case "module":
		file, _ := runtime.FuncForPC(reflect.ValueOf(jinja.Compile).Pointer()).FileLine(0)
		path = filepath.Join(filepath.Dir(file), "testdata", "templates", base)
	case "golden":
		golden := os.Getenv("CARAT_GOLDEN")
		if golden == "" {
			return "", false
		}
		b, err := os.ReadFile(filepath.Join(golden, "tokenizers", base, "tokenizer_config.json"))
		require.NoError(t, err)
		var config struct {
			Template string `json:"chat_template"`
		}
		require.NoError(t, json.Unmarshal(b, &config))
		return config.Template, true
	}
	b, err := os.ReadFile(path)
	if kind == "module" && errors.Is(err, os.ErrNotExist) {
		return "", false
	}
	require.NoError(t, err)
	return string(b), true
}

// conversation is one of testdata/conversations.json.
type conversation struct {
	Messages   []Message         `json:"messages"`
	Tools      []json.RawMessage `json:"tools"`
	Generation bool              `json:"add_generation_prompt"`
	Vars       map[string]any    `json:"vars"`
}

// UnmarshalJSON for arguments that are objects.
func (f *Function) UnmarshalJSON(b []byte) error {
	var v struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	}
	err := json.Unmarshal(b, &v)
	f.Name, f.Arguments = v.Name, string(v.Arguments)
	return err
}

func readTestdata[T any](t *testing.T, name string) (out T) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &out))
	return out
}

// written are conversations that the reference refuses with content that is none, which its template asks for elsewhere; with content that
// is empty they are written.
var written = map[string]bool{"module/Ministral-3-14B-Instruct-2512-Q4_0.jinja tools": true}

// TestGoldenTemplates: templates of published models are rendered as transformers renders them (scripts/chat/expected.py).
func TestGoldenTemplates(t *testing.T) {
	cases := readTestdata[map[string]conversation](t, "conversations.json")
	expected := readTestdata[struct {
		Texts map[string]map[string]any `json:"texts"`
	}](t, "expected.json")
	seen, matched := 0, 0
	for name, texts := range expected.Texts {
		source, ok := templateOf(t, name)
		if !ok {
			continue
		}
		tmpl, err := New(metadata(source))
		require.NoError(t, err, name)
		for kind, want := range texts {
			seen++
			c := cases[kind]
			got, err := tmpl.Render(c.Messages, Options{Tools: c.Tools, AddGenerationPrompt: c.Generation, Vars: c.Vars, Date: time.Date(2026, 3, 5, 9, 8, 7, 0, time.UTC)})
			if text, ok := want.(string); ok {
				if err != nil {
					t.Errorf("%s %s: %v", name, kind, err)
				} else if got != text {
					t.Errorf("%s %s: %s", name, kind, difference(text, got))
				} else {
					matched++
				}
			} else if (err == nil) != written[name+" "+kind] {
				t.Errorf("%s %s: expected %v, got %q", name, kind, want, got)
			} else {
				matched++
			}
		}
	}
	t.Logf("matched %d of %d", matched, seen)
}

func difference(want, got string) string {
	i := 0
	for i < len(want) && i < len(got) && want[i] == got[i] {
		i++
	}
	from := max(0, i-40)
	return "want …" + want[from:min(len(want), i+60)] + "…\ngot …" + got[from:min(len(got), i+60)] + "…"
}

func metadata(template string) *gguf.Metadata {
	md := &gguf.Metadata{}
	md.Append("tokenizer.chat_template", template)
	md.Append("tokenizer.ggml.tokens", []string{"<unk>", "<s>", "</s>"})
	md.Append("tokenizer.ggml.bos_token_id", uint32(1))
	md.Append("tokenizer.ggml.eos_token_id", uint32(2))
	return md
}
