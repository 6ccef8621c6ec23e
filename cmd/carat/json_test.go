package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/gate"
	"github.com/stretchr/testify/require"
)

// TestJSONEverywhere: at every verb --json prints one object and nothing else on stdout.
func TestJSONEverywhere(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	model, text, items, out := at("m.gguf"), at("e.txt"), at("hs.txt"), at("out.gguf")
	mustCarat(t, "build", tiny, "--type", "Q8_0", "-o", model, "--quiet")
	writeFile(t, text, strings.Repeat("Some words of a text that is long enough. ", 40))
	writeFile(t, items, "Tom\n0\na\nb\nc\nd\n")
	mustCarat(t, "split", model, "--split-max-tensors", "20", "-o", at("s.gguf"), "--quiet")
	mustCarat(t, "imatrix", model, "--text", text, "--ctx", "64", "-o", at("i.gguf"), "--quiet")
	mustCarat(t, "eval", model, "--text", text, "--ctx", "64", "--report", at("r.json"), "--quiet")
	startHub(t)
	mustCarat(t, "push", model, "oci:"+at("layout"), "--quiet")
	calls := map[string][][]string{
		"pull":       {{"org/name"}, {"org/name", "-o", at("pulled")}, {"oci:" + at("layout"), "-o", at("unpacked")}},
		"push":       {{model, "oci:" + at("layout"), "--dry-run"}},
		"build":      {{tiny, "--type", "Q4_0", "-o", out}, {tiny, "--type", "Q4_0", "--dry-run"}, {tiny, "--type", "Q4_0", "-o", out, "--eval", text, "--ctx", "64"}},
		"convert":    {{tiny, "-o", out}, {tiny, "-o", out, "--vocab-only"}, {tiny, "--dry-run"}},
		"quantize":   {{tiny, "--type", "Q4_0", "-o", out}, {tiny, "--type", "Q4_0", "-o", out, "--manifest", at("man.json")}},
		"plan":       {{tiny, "--type", "Q4_0"}, {tiny, "--type", "Q4_0", "--save", at("recipe.yaml")}, {tiny, "--type", "Q4_0", "--leave-output-tensor"}},
		"imatrix":    {{model, "--text", text, "--ctx", "64", "-o", at("i2.gguf")}, {"--stats", at("i.gguf")}, {"--merge", at("i.gguf"), at("i.gguf"), "-o", at("i3.gguf")}},
		"eval":       {{model, "--text", text, "--ctx", "64"}, {model, "--text", text, "--ctx", "64", "--html", at("e.html")}},
		"compare":    {{model, model, "--text", text, "--ctx", "64"}},
		"sweep":      {{tiny, "--types", "Q8_0", "--text", text, "--ctx", "64"}},
		"gate":       {{model, "--reference", tiny, "--text", text, "--ctx", "64", "--no-cache", "--warn-only"}, {"--print-policy"}},
		"report":     {{at("r.json")}, {at("r.json"), "--html", at("r.html")}},
		"cache":      {{"--cache", at("cache")}, {"--cache", at("cache"), "--gc", "0"}},
		"tasks":      {{model, "--task", "hellaswag=" + items}, {"--list"}},
		"bench":      {{model, "-p", "4", "-n", "2", "-r", "1"}, {model, "-p", "4", "-n", "2", "-r", "1", "-o", "json"}, {model, model, "-p", "4", "-n", "2"}},
		"overlap":    {{items, "--eval", text}},
		"run":        {{model, "-p", "hi", "-n", "2"}},
		"embed":      {{model, "a text", "--pooling", "mean"}, {model, "a", "b", "--pooling", "last", "--npy", at("v.npy")}},
		"rank":       {{reranker, "--query", "a ring", "the inn", "a ring", "--top", "1"}},
		"inspect":    {{model}, {model, "--key", "general.name"}, {model, "--hash"}, {model, "--tensors=false"}},
		"serve":      {{model, "--dry-run", "--port", "0"}},
		"verify":     {{model}},
		"diff":       {{model, model}, {model, model, "--values"}},
		"hash":       {{model}},
		"export":     {{model, "--to", "ollama", "-o", at("forollama")}, {model, "--to", "lmstudio", "-o", at("lm"), "--dry-run"}},
		"split":      {{model, "--split-max-tensors", "20", "-o", at("s2.gguf")}},
		"merge":      {{at("s-00001-of-00002.gguf"), "-o", at("merged.gguf")}},
		"edit":       {{model, "--set", "general.name=str:x", "-o", at("ed.gguf")}, {model, "--set", "general.name=str:x", "--dry-run"}},
		"list":       {{"types"}, {"architectures"}},
		"completion": {{"bash"}, {"zsh"}, {"fish"}, {"powershell"}},
		"help":       {{}, {"quantize"}, {"config"}},
		"version":    {{}},
	}
	for _, c := range newApp(streams{}).Commands {
		require.NotEmpty(t, calls[c.Name], "%s: a verb needs a call here", c.Name)
		for _, args := range append(calls[c.Name], []string{"--help"}, []string{"-h"}) {
			line := append(append([]string{c.Name}, args...), "--json")
			code, stdout, stderr := carat(context.Background(), line...)
			require.Zero(t, code, "%q: %s", line, stderr)
			d := json.NewDecoder(strings.NewReader(stdout))
			var object map[string]any
			require.NoError(t, d.Decode(&object), "%q: %s", line, stdout)
			require.False(t, d.More(), "%q: more than one object", line)
		}
	}
	_, policy, _ := carat(context.Background(), "gate", "--print-policy", "--json")
	p, err := gate.Parse("p.json", strings.NewReader(policy))
	require.NoError(t, err, "it is a policy")
	require.Equal(t, len(gate.Default().Gates), len(p.Gates))
	code, _, stderr := carat(context.Background(), "bench", model, "--json", "-o", "md")
	require.Equal(t, exitUsage, code)
	require.Contains(t, stderr, "give one of them")
}
