package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// at has something done when a run has reached a place.
func at(t *testing.T, place string, do func()) {
	t.Helper()
	reached = func(p string) {
		if p == place {
			do()
		}
	}
	t.Cleanup(func() { reached = func(string) {} })
}

// TestInterruptedAtAnyMoment: whenever a run is interrupted, its files are there together or not at all, and what it says
// is there is what is there.
func TestInterruptedAtAnyMoment(t *testing.T) {
	t.Parallel()
	files := tinyFiles(t, "Q8_0")
	text := filepath.Join(t.TempDir(), "text.txt")
	b, err := os.ReadFile(evalFile)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(text, b[:3000], 0o600))
	measure := []string{"--ctx", "64", "--chunks", "2"}
	for name, args := range map[string][]string{
		"build": append([]string{"build", tiny, "--type", "Q8_0", "-o", "out.gguf", "--manifest", "out.json", "--eval", text}, measure...),
		"split": {"split", files[0], "--split-max-tensors", "20", "-o", "out.gguf"},
		"edit":  {"edit", files[0], "--set", "general.name=str:x", "-o", "out.gguf"},
		"sweep": append([]string{"sweep", tiny, "--types", "Q8_0,Q4_0", "-o", "models", "--report", "r.json", "--csv", "r.csv", "--text", text}, measure...),
		"eval":  append([]string{"eval", files[0], "--reference", tiny, "--reference-cache", "cache", "--html", "r.html", "--csv", "r.csv", "--text", text}, measure...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			said := map[string]bool{}
			for n, step := 0, 1; ; n += step {
				dir := t.TempDir()
				args := append([]string{}, args...)
				for i, a := range args {
					if i > 0 && !strings.Contains(a, "/") && (args[i-1] == "-o" || strings.HasPrefix(args[i-1], "--m") || strings.HasPrefix(args[i-1], "--r") || args[i-1] == "--html" || args[i-1] == "--csv") {
						args[i] = filepath.Join(dir, a)
					}
				}
				code, _, stderr := carat(&countdown{context.Background(), n}, append(args, "--threads", "1")...)
				left := listing(t, dir)
				if code == 0 {
					require.NotEmpty(t, left)
					break
				}
				require.Equal(t, exitInterrupted, code, stderr)
				if strings.Contains(stderr, "no output was left") {
					require.Empty(t, left, "after %d: %s", n, stderr)
					said["nothing"] = true
					continue
				}
				for _, f := range left {
					require.Contains(t, stderr, f, "after %d", n)
				}
				said["something"] = true
				for _, f := range strings.FieldsFunc(stderr, func(r rune) bool { return strings.ContainsRune(" ,;\n", r) }) {
					if strings.HasPrefix(f, dir) {
						require.FileExists(t, f, "after %d: %s", n, stderr)
					}
				}
				step = 1 + n/4
			}
			require.True(t, said["nothing"], "%v", said)
			require.Equal(t, name == "build" || name == "sweep" || name == "eval", said["something"], "%v", said)
		})
	}
}

// listing is every file under dir.
func listing(t *testing.T, dir string) (files []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	}))
	return files
}

// TestManifestAndOutputTogether: neither is there without the other, and what was there before stays.
func TestManifestAndOutputTogether(t *testing.T) {
	dir := t.TempDir()
	out, side := filepath.Join(dir, "out.gguf"), filepath.Join(dir, "m.json")
	require.NoError(t, os.WriteFile(out, []byte("old"), 0o600))
	args := []string{"build", tiny, "--type", "Q8_0", "-o", out, "--manifest", side}
	at(t, "staged", func() { require.NoError(t, os.Mkdir(side, 0o700)) })
	code, _, stderr := carat(context.Background(), args...)
	require.Equal(t, exitEnvironment, code, stderr)
	require.NotContains(t, stderr, ".carat-")
	require.Equal(t, []string{out}, listing(t, dir))
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, "old", string(b))

	require.NoError(t, os.Remove(side))
	ctx, cancel := context.WithCancel(context.Background())
	at(t, "staged", cancel)
	code, stdout, stderr := carat(ctx, args...)
	require.Equal(t, exitInterrupted, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, "no output was left")
	require.Equal(t, []string{out}, listing(t, dir))

	// From there on it is too late: everything is there, and is told.
	ctx, cancel = context.WithCancel(context.Background())
	at(t, "written", cancel)
	code, stdout, stderr = carat(ctx, args...)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "sha256")
	require.Equal(t, []string{side, out}, listing(t, dir))

	ctx, cancel = context.WithCancel(context.Background())
	at(t, "written", cancel)
	code, _, stderr = carat(ctx, append(args, "--eval", evalFile)...)
	require.Equal(t, exitInterrupted, code)
	require.Equal(t, "carat: interrupted while measuring; "+out+" and "+side+" are complete\n", stderr)
}

// TestNoPresetIsLeft: the preset that a file is compared with goes with the run, whenever that ends.
func TestNoPresetIsLeft(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out.gguf")
	args := []string{"build", tiny, "--type", "Q4_0", "--calibration", "default", "--calibration-chunks", "2", "--chunks", "2", "-o", out}
	for _, place := range []string{"written", "preset"} {
		ctx, cancel := context.WithCancel(context.Background())
		var presets []string
		at(t, place, func() {
			presets, _ = filepath.Glob(filepath.Join(dir, ".carat-proof-*", "preset Q4_0.gguf"))
			cancel()
		})
		code, _, stderr := carat(ctx, args...)
		require.Equal(t, exitInterrupted, code, stderr)
		require.Contains(t, stderr, "interrupted while measuring; "+out+" is complete")
		require.Equal(t, []string{out}, listing(t, dir))
		require.Equal(t, place == "preset", len(presets) == 1, "%v", presets)
	}
}

// TestReportAndPagesTogether: a page that cannot be written leaves no report, and the figures are printed all the same.
func TestReportAndPagesTogether(t *testing.T) {
	files := tinyFiles(t, "Q8_0")
	dir := t.TempDir()
	page := filepath.Join(dir, "p.html")
	ctx := &countdown{context.Background(), 1 << 30}
	args := []string{"eval", files[0], "--text", evalFile, "--ctx", "64", "--chunks", "2", "--report", filepath.Join(dir, "r.json"), "--html", page}
	at(t, "measured", func() { require.NoError(t, os.Mkdir(page, 0o700)) })
	code, stdout, stderr := carat(ctx, args...)
	require.Equal(t, exitUsage, code, stderr)
	require.Contains(t, stderr, "is a folder")
	require.Contains(t, stdout, "perplexity")
	require.Empty(t, listing(t, dir))
}
