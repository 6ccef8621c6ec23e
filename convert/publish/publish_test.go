package publish

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

const templatesDir = "../../runtime/chat/testdata/templates"

// metadata is that of a model with a chat template and a vocabulary of a few tokens.
func metadata(template string) *gguf.Metadata {
	md := &gguf.Metadata{}
	md.Append("general.architecture", "llama")
	md.Append("general.license", "apache-2.0")
	md.Append("tokenizer.ggml.model", "llama")
	md.Append("tokenizer.ggml.tokens", []string{"<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|end|>", "<end_of_turn>", "a"})
	md.Append("tokenizer.ggml.bos_token_id", uint32(0))
	md.Append("tokenizer.ggml.eos_token_id", uint32(1))
	if template != "" {
		md.Append("tokenizer.chat_template", template)
	}
	return md
}

// TestTemplates: models' own templates, and which of Ollama's writes the same.
func TestTemplates(t *testing.T) {
	for file, want := range map[string]string{"chatml": "chatml", "gemma": "gemma", "mistral": "mistral-v3", "phi3": "phi3", "llama2": "llama2", "deepseek": "deepseek-r1"} {
		b, err := os.ReadFile(filepath.Join(templatesDir, file+".jinja"))
		require.NoError(t, err)
		got, note := TemplateOf(metadata(string(b)))
		require.NotNil(t, got, "%s: %s", file, note)
		require.Equal(t, want, got.Name)
	}
}

func TestNoTemplate(t *testing.T) {
	for name, c := range map[string]struct{ template, note string }{
		"none":    {"", "no chat template"},
		"unknown": {"{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}", "none of those"},
		"broken":  {"{% if %}", "not understood"},
		"refuses": {"{{ raise_exception('no') }}", "none of those"},
		"fails":   {"{{ messages[0].content.odd() }}", "fails"},
	} {
		got, note := TemplateOf(metadata(c.template))
		require.Nil(t, got, name)
		require.Contains(t, note, c.note, name)
	}
	got, note := TemplateOf(metadata("{% if messages[0].role != 'system' %}<|im_start|>system\nHelp.<|im_end|>\n{% endif %}" +
		"{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"))
	require.Equal(t, "chatml", got.Name)
	require.Contains(t, note, "adds a text of the system")
}

// TestTemplatesAreTold: every template gives texts that no other gives, so that the first that fits is the one.
func TestTemplatesAreTold(t *testing.T) {
	seen := map[string]string{}
	for i := range templates {
		text := ""
		for _, c := range conversations {
			s, err := templates[i].render(c.messages)
			require.NoError(t, err, templates[i].Name)
			text += s
		}
		require.Empty(t, seen[text], templates[i].Name)
		seen[text] = templates[i].Name
	}
}

func TestGoldenTemplates(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	for model, want := range map[string]string{"smollm2": "chatml", "llama3": "llama3", "qwen3": "chatml"} {
		b, err := os.ReadFile(filepath.Join(golden, "tokenizers", model, "tokenizer_config.json"))
		require.NoError(t, err)
		var config struct {
			Template string `json:"chat_template"`
		}
		require.NoError(t, json.Unmarshal(b, &config))
		got, note := TemplateOf(metadata(config.Template))
		require.NotNil(t, got, "%s: %s", model, note)
		require.Equal(t, want, got.Name)
	}
}

// tiny writes the tiny model, with a template, as a file.
func tiny(t *testing.T, template string) *gguf.File {
	t.Helper()
	src, err := convert.Open("../../testdata/tiny-llama", convert.Options{})
	require.NoError(t, err)
	defer src.Close()
	md := src.Metadata().Clone()
	md.Set("general.license", "mit")
	if template != "" {
		md.Set("tokenizer.chat_template", template)
	}
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	require.NoError(t, gguf.Rewrite(context.Background(), path, md, src.Tensors(), gguf.Split{}, nil))
	f, err := gguf.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

const chatML = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"

func run(t *testing.T, p *Plan, f *gguf.File) error {
	t.Helper()
	return p.Run(context.Background(), func() error { return gguf.Unchanged(f) })
}

func TestOllamaFolder(t *testing.T) {
	f := tiny(t, chatML)
	dir := filepath.Join(t.TempDir(), "out")
	p, err := OllamaFolder(f, dir)
	require.NoError(t, err)
	require.NoError(t, run(t, p, f))
	b, err := os.ReadFile(filepath.Join(dir, "Modelfile"))
	require.NoError(t, err)
	text := string(b)
	require.True(t, strings.HasPrefix(text, "FROM ./tiny.gguf\n\nTEMPLATE \"\"\"{{ range .Messages }}<|im_start|>"), text)
	require.Contains(t, text, "\nPARAMETER stop \"<|im_start|>\"\n")
	require.Contains(t, text, "\nLICENSE \"\"\"mit\"\"\"\n")
	same(t, f.Paths()[0], filepath.Join(dir, "tiny.gguf"))
	_, err = OllamaFolder(f, dir)
	require.ErrorContains(t, err, "not empty")
}

// TestOllamaFolderOfSplit: a model in several files becomes the one file that it was before it was split.
func TestOllamaFolderOfSplit(t *testing.T) {
	whole := tiny(t, chatML)
	path := filepath.Join(t.TempDir(), "tiny.gguf")
	require.NoError(t, gguf.Rewrite(context.Background(), path, whole.Metadata(), whole.Tensors(), gguf.Split{MaxTensors: 20}, nil))
	f, err := gguf.Open(gguf.SplitPath(strings.TrimSuffix(path, ".gguf"), 1, 2))
	require.NoError(t, err)
	defer f.Close()
	dir := filepath.Join(t.TempDir(), "out")
	p, err := OllamaFolder(f, dir)
	require.NoError(t, err)
	require.Contains(t, p.Notes, "the model's 2 files are written as one, tiny.gguf")
	var last int64
	p.Progress = func(done, total int64) { last = done; require.LessOrEqual(t, done, total) }
	p.Link = true // has no effect on what is written anew
	require.NoError(t, run(t, p, f))
	same(t, whole.Paths()[0], filepath.Join(dir, "tiny.gguf"))
	require.NotZero(t, last)
	st, err := os.Stat(filepath.Join(dir, "tiny.gguf"))
	require.NoError(t, err)
	require.Equal(t, st.Size(), p.Files[0].Bytes)
	b, err := os.ReadFile(filepath.Join(dir, "Modelfile"))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(b), "FROM ./tiny.gguf\n"), string(b))
	_, err = OllamaStore(f, dir, "tiny", false)
	require.ErrorContains(t, err, "is the first of 2 files")
}

func same(t *testing.T, a, b string) {
	t.Helper()
	x, err := os.ReadFile(a)
	require.NoError(t, err)
	y, err := os.ReadFile(b)
	require.NoError(t, err)
	require.True(t, string(x) == string(y), "%s and %s differ", a, b)
}

// TestOllamaStore: the manifest names blobs that have its sums; another model of that name is not replaced unasked.
func TestOllamaStore(t *testing.T) {
	f, store := tiny(t, chatML), t.TempDir()
	p, err := OllamaStore(f, store, "tiny:f16", false)
	require.NoError(t, err)
	p.Link = true
	require.NoError(t, run(t, p, f))
	path := filepath.Join(store, "manifests", "registry.ollama.ai", "library", "tiny", "f16")
	m := checkStore(t, store, path)
	require.Len(t, m.Layers, 4)
	links, err := filepath.Glob(filepath.Join(store, "blobs", "*.link"))
	require.NoError(t, err)
	require.Empty(t, links)

	again, err := OllamaStore(f, store, "tiny:f16", false)
	require.NoError(t, err)
	require.Len(t, again.Files, 1, "blobs are there")
	other := tiny(t, "")
	_, err = OllamaStore(other, store, "tiny:f16", false)
	require.ErrorIs(t, err, ErrExists)
	p, err = OllamaStore(other, store, "tiny:f16", true)
	require.NoError(t, err)
	require.NoError(t, run(t, p, other))
	require.Len(t, checkStore(t, store, path).Layers, 3, "no template")
}

func checkStore(t *testing.T, store, path string) (m manifest) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &m))
	for _, l := range append(m.Layers, m.Config) {
		hash, err := gguf.HashFile(filepath.Join(store, "blobs", strings.Replace(l.Digest, ":", "-", 1)))
		require.NoError(t, err)
		require.Equal(t, l.Digest, "sha256:"+hash.SHA256)
		require.Equal(t, l.Size, hash.Bytes)
	}
	return m
}

func TestOllamaName(t *testing.T) {
	for name, want := range map[string][3]string{"a": {"library", "a", "latest"}, "me/a.b:q4_k": {"me", "a.b", "q4_k"}} {
		n, m, tag, err := OllamaName(name)
		require.NoError(t, err)
		require.Equal(t, want, [3]string{n, m, tag})
	}
	for _, name := range []string{"", "a:", ":b", "../a", "a/b/c", "a:..", "a/../b", "a b", ".a", "a\\b", strings.Repeat("a", 81)} {
		_, _, _, err := OllamaName(name)
		require.Error(t, err, name)
	}
}

// TestRunLeavesNothing: when the source changed, neither files nor folders stay.
func TestRunLeavesNothing(t *testing.T) {
	f, dir := tiny(t, ""), t.TempDir()
	p, err := LMStudio(f, filepath.Join(dir, "models"), "me/tiny", false)
	require.NoError(t, err)
	require.ErrorContains(t, p.Run(context.Background(), func() error { return os.ErrInvalid }), "invalid")
	require.NoDirExists(t, filepath.Join(dir, "models"))
	require.NoError(t, run(t, p, f))
	same(t, f.Paths()[0], filepath.Join(dir, "models", "me", "tiny", "tiny.gguf"))
	_, err = LMStudio(f, filepath.Join(dir, "models"), "me/tiny", false)
	require.ErrorIs(t, err, ErrExists)
	require.Equal(t, "local/", LMStudioName(f)[:6])
}
