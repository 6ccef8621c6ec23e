package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

// TestRepeatedFlags: at every verb, every flag that takes one value refuses a second one, before anything is done.
func TestRepeatedFlags(t *testing.T) {
	for _, c := range newApp(streams{}).Commands {
		for _, f := range c.Flags {
			names := f.Names()
			slice, ok := f.(cli.DocGenerationSliceFlag)
			twice := []string{c.Name, "--" + names[0] + "=1", "--" + names[len(names)-1] + "=2"}
			if len(names[len(names)-1]) == 1 {
				twice = []string{c.Name, "--" + names[0] + "=1", "-" + names[len(names)-1] + "=2"}
			}
			code, stdout, stderr := carat(context.Background(), twice...)
			if ok && slice.IsSliceFlag() {
				require.NotContains(t, stderr, "is given twice", "%q", twice)
				continue
			}
			require.Equal(t, exitUsage, code, "%q", twice)
			require.Contains(t, stderr, "--"+names[0]+` is given twice, with "1" and "2"`, "%q", twice)
			require.Empty(t, stdout)
		}
	}
	for _, args := range [][]string{
		{"inspect", "none.gguf", "--hash", "--hash=false"}, {"--threads", "1", "inspect", "none.gguf", "--threads=2"}, {"plan", "-t", "Q4_0", "none.gguf", "--type", "Q8_0"},
	} {
		code, _, stderr := carat(context.Background(), args...)
		require.Equal(t, exitUsage, code, "%q: %s", args, stderr)
		require.Contains(t, stderr, "is given twice")
	}
	for _, args := range [][]string{
		{"inspect", "none.gguf", "--json", "--json"}, {"plan", "none.gguf", "-t", "Q4_0", "-t", "Q4_0"}, {"inspect", "--", "none.gguf"},
		{"eval", "none.gguf", "--text", "a.txt", "--text", "b.txt"},
	} {
		code, _, stderr := carat(context.Background(), args...)
		require.Equal(t, exitInput, code, "%q: %s", args, stderr)
	}
}
