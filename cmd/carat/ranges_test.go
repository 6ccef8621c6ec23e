package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

// TestNumbersOutOfRange: at every verb, a number that no use has is a usage error, found before the work.
func TestNumbersOutOfRange(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	model, out := at("m.gguf"), at("out.gguf")
	mustCarat(t, "build", tiny, "--type", "Q8_0", "-o", model, "--quiet")
	writeFile(t, at("hs.txt"), "Tom\n0\na\nb\nc\nd\n")
	whole := []string{"-1", "1.5", "abc", "", "nan", "99999999999999999999", "-9223372036854775808"}
	for verb, args := range map[string][]string{
		"bench": {model}, "build": {tiny, "--type", "Q8_0", "-o", out, "--eval", evalFile}, "gate": {model, "--reference", tiny, "--text", evalFile, "--no-cache"},
		"imatrix": {model, "--text", evalFile, "-o", out}, "overlap": {evalFile, "--eval", evalFile}, "tasks": {model, "--task", "hellaswag=" + at("hs.txt")},
		"verify": {model}, "eval": {model, "--text", evalFile}, "compare": {model, model, "--text", evalFile}, "sweep": {tiny, "--types", "Q8_0", "--text", evalFile},
		"quantize": {tiny, "--type", "Q8_0", "-o", out}, "plan": {tiny, "--type", "Q8_0"}, "split": {model, "-o", out}, "convert": {tiny, "-o", out}, "inspect": {model}, "report": {at("none.json")},
	} {
		for _, f := range newApp(streams{}).Command(verb).Flags {
			values := whole
			switch f.(type) {
			case *cli.IntFlag:
			case *cli.Float64Flag:
				values = []string{"-1", "abc", "", "nan", "inf", "-inf", "1e300"}
			default:
				if f.Names()[0] != "split-max-size" {
					continue
				}
			}
			for _, v := range values {
				line := append(append([]string{verb}, args...), "--"+f.Names()[0]+"="+v)
				code, stdout, stderr := carat(context.Background(), line...)
				require.Equal(t, exitUsage, code, "%q: %s", line, stderr)
				require.Empty(t, stdout, "%q", line)
				require.Contains(t, stderr, f.Names()[0])
			}
		}
	}
	require.ElementsMatch(t, []string{"m.gguf", "hs.txt"}, names(t, dir))
	for _, line := range [][]string{
		{"cache", "--gc", "-1"}, {"plan", tiny, "--type", "Q8_0", "--prune-layers", "-1"}, {"plan", tiny, "--type", "Q8_0", "--prune-layers", "0,1,2,3"},
		{"bench", model, "-r", "9223372036854775807"}, {"bench", model, "--rounds", "9223372036854775807", "--noise"}, {"gate", model, "--reference", tiny, "--text", evalFile, "--ctx", "0"},
		{"gate", model, "--reference", tiny, "--text", evalFile, "--llama-perplexity", "x"}, {"plan", model, "--type", "Q4_0", "--allow-requantize", "--metadata", "x.json"},
		{"eval", model, "--text", evalFile, "--pre", "llama-bpe"}, {"gate", model, "--reference", model, "--text", evalFile, "--model-name", "x"},
	} {
		code, stdout, stderr := carat(context.Background(), line...)
		require.Equal(t, exitUsage, code, "%q: %s", line, stderr)
		require.Empty(t, stdout)
	}
}
