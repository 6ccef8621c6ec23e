package main

import (
	"context"
	"io"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"unicode"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// attack is what a stranger's file may have where a name is expected.
const attack = "\x1b[31m\n|<script>\u202e"

// hostileModel writes a model of two layers whose names and values are attacks, and d, the data of its tensors.
func hostileModel(t *testing.T, path string, d byte) {
	t.Helper()
	md := &gguf.Metadata{}
	md.Set("general.architecture", "llama"+attack)
	md.Set("llama"+attack+".block_count", uint32(2))
	md.Set("general.name", attack)
	md.Set("key"+attack, attack+string(rune(d)))
	md.Set("list"+attack, []string{attack, attack})
	var tensors []gguf.TensorInfo
	for _, name := range []string{"blk.0." + attack + ".weight", "blk.1." + attack + ".weight", attack} {
		tensors = append(tensors, gguf.TensorInfo{Name: name, Shape: []int64{32, 4}, Type: gguf.F32})
	}
	w, err := gguf.Create(path, md, tensors)
	require.NoError(t, err)
	for i := range tensors {
		require.NoError(t, w.WriteAt(i, []byte{d, 0, 0, 0}, 0))
	}
	require.NoError(t, w.Commit())
}

// TestNothingIsObeyed: whatever stands in a file or its name, no output but JSON has control characters or text that
// runs backwards, and no line begins with it.
func TestNothingIsObeyed(t *testing.T) {
	dir := t.TempDir()
	name := attack
	if runtime.GOOS == "windows" {
		name = "\u202e" // others are not allowed there
	}
	at := func(s string) string { return filepath.Join(dir, name+s) }
	hostileModel(t, at("a.gguf"), 1)
	hostileModel(t, at("b.gguf"), 2)
	writeFile(t, at("a.txt"), strings.Repeat("some words of a text ", 20))
	writeFile(t, at("p.yaml"), "version: 1\n"+"\u202e: 2\n")
	_, sums, _ := carat(context.Background(), "hash", at("a.gguf"), "--json")
	writeFile(t, at("sums.json"), sums)
	for _, args := range [][]string{
		{"inspect", at("a.gguf"), "--hash"}, {"hash", at("a.gguf")}, {"hash", at("b.gguf"), "--check", at("sums.json")}, {"verify", at("a.gguf")},
		{"diff", at("a.gguf"), at("b.gguf"), "--values"}, {"plan", at("a.gguf"), "--type", "Q4_0"}, {"quantize", at("a.gguf"), "--type", "Q4_0", "-o", at("c.gguf")},
		{"edit", at("a.gguf"), "--set", "x" + attack + "=str:" + attack, "-o", at("e.gguf")}, {"edit", at("a.gguf"), "--remove", attack, "-o", at("e.gguf")},
		{"split", at("a.gguf"), "--split-max-tensors", "1", "-o", at("s.gguf")}, {"overlap", at("a.txt"), "--eval", at("a.txt")}, {"cache", "--cache", at("cache")},
		{"run", at("a.gguf"), "-p", "x"}, {"bench", at("a.gguf")}, {"eval", at("a.gguf"), "--text", at("a.txt")}, {"imatrix", at("a.gguf"), "--text", at("a.txt"), "-o", at("i.gguf")},
		{"compare", at("a.gguf"), at("b.gguf"), "--text", at("a.txt"), "--ctx", "8"}, {"report", at("a.txt")}, {"convert", at("a.txt"), "-o", at("x.gguf")},
		{"gate", at("a.gguf"), "--reference", at("b.gguf"), "--text", at("a.txt"), "--policy", at("p.yaml")}, {attack}, {"plan", at("none.gguf"), "--type", attack},
		{"inspect", at("a.gguf"), "--" + attack}, {"build", dir, "--type", "Q4_0", "-o", at("o.gguf")}, {"tasks", at("a.gguf"), "--task", attack + "=x"},
		{"completion", attack}, {"sweep", at("a.gguf"), "--types", attack, "--text", at("a.txt")}, {"hash", at("a.gguf"), attack},
	} {
		_, stdout, stderr := carat(context.Background(), args...)
		require.NotEmpty(t, stdout+stderr, "%q", args)
		for line := range strings.Lines(stdout + stderr) {
			require.Negative(t, strings.IndexFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool {
				return unicode.IsControl(r) && r != '\t' || unicode.Is(unicode.Bidi_Control, r)
			}), "%q: %q", args[0], line)
			require.False(t, strings.HasPrefix(line, "|<script>"), "%q: %q", args[0], stdout+stderr)
		}
	}
}

// TestProgressTitles: a bar's title may be a model's name.
func TestProgressTitles(t *testing.T) {
	b := newBar(global{streams: streams{err: io.Discard}}, "tensors of "+attack)
	defer b.finish()
	require.Equal(t, `tensors of \x1b[31m\n|<script>\u202e`, *b.title.Load())
}
