package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// fullDisk is a stream that takes some bytes and then no more.
type fullDisk struct{ room int }

func (d *fullDisk) Write(p []byte) (int, error) {
	n := min(d.room, len(p))
	d.room -= n
	if n < len(p) {
		return n, &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
	}
	return n, nil
}

// TestFullStdout: what a verb prints is either there or the exit code says that it is not, for text as for JSON.
func TestFullStdout(t *testing.T) {
	files := tinyFiles(t, "Q8_0", "Q2_K")
	dir := t.TempDir()
	matrix, sample := filepath.Join(dir, "m.dat"), filepath.Join("..", "..", "eval", "report", "testdata", "sample.json")
	require.NoError(t, os.WriteFile(matrix, zeroDat, 0o600))
	text := filepath.Join(dir, "text.txt")
	b, err := os.ReadFile(evalFile)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(text, b[:4000], 0o600))
	items := filepath.Join(dir, "items.jsonl")
	require.NoError(t, os.WriteFile(items, []byte(`{"query":"The sky is","choices":["blue.","made of cheese."],"gold":0}`+"\n"), 0o600))
	t.Setenv("CARAT_CACHE", filepath.Join(dir, "cache"))
	out := func(name string) string { return filepath.Join(dir, name) }
	measure := []string{"--text", text, "--ctx", "64", "--chunks", "2"}
	startHub(t)
	mustCarat(t, "push", files[0], "oci:"+out("layout"), "--quiet")
	lines := map[string][][]string{
		"pull":       {{"org/name"}, {"oci:" + out("layout"), "-o", out("unpacked")}},
		"push":       {{files[0], "oci:" + out("layout"), "--dry-run"}},
		"build":      {{tiny, "--type", "Q4_0", "-o", out("b.gguf")}, append([]string{tiny, "--type", "Q4_0", "-o", out("b.gguf"), "--ctx", "64", "--chunks", "1", "--eval"}, text)},
		"convert":    {{tiny, "-o", out("c.gguf")}, {tiny, "--dry-run"}},
		"quantize":   {{files[0], "--allow-requantize", "--type", "Q4_0", "-o", out("q.gguf")}},
		"plan":       {{tiny, "--type", "Q4_0"}},
		"imatrix":    {{"--stats", matrix}, {"--merge", matrix, "-o", out("m.gguf")}},
		"eval":       {append([]string{files[0]}, measure...)},
		"compare":    {append([]string{files[0], files[1]}, measure...)},
		"sweep":      {append([]string{tiny, "--types", "Q4_0"}, measure...)},
		"gate":       {append([]string{files[0], "--reference", tiny, "--no-cache"}, measure[:4]...), {"--print-policy"}},
		"report":     {{sample}, {sample, "--markdown", "-"}},
		"cache":      {{}},
		"tasks":      {{"--list"}, {files[0], "--task", "arc-easy=" + items}},
		"bench":      {{files[0], "-p", "4", "-n", "2", "-r", "1", "--no-load"}},
		"overlap":    {{text, "--eval", text, "--max-share", "1"}, {text, "--eval", text}},
		"run":        {{files[0], "-p", "a", "-n", "4"}},
		"serve":      {{files[0], "--dry-run", "--port", "0"}},
		"embed":      {{files[0], "a text", "--pooling", "mean"}},
		"rank":       {{reranker, "--query", "a ring", "the inn", "a ring"}},
		"inspect":    {{files[0]}},
		"verify":     {{files[0]}},
		"diff":       {{files[0], files[0]}, {files[0], files[1]}},
		"hash":       {{files[0]}},
		"export":     {{files[0], "--to", "ollama", "-o", out("forollama"), "--dry-run"}},
		"split":      {{files[0], "--split-max-tensors", "8", "-o", out("s.gguf")}},
		"merge":      {{files[0], "-o", out("merged.gguf")}},
		"edit":       {{files[0], "--set", "general.name=str:x", "--dry-run"}},
		"completion": {{"bash"}, {"fish"}},
		"list":       {{"types"}, {"architectures"}},
		"":           {{"--help"}, {"--version"}, {"hash", "--help"}},
	}
	for _, c := range verbs() {
		if c.Name != "help" && c.Name != "version" {
			require.Contains(t, lines, c.Name, "a verb without a test")
		}
	}
	for verb, all := range lines {
		for _, args := range all {
			if verb != "" {
				args = append([]string{verb}, args...)
			}
			for _, more := range [][]string{nil, {"--json"}} {
				if more != nil && (verb == "" || verb == "completion" || strings.Contains(strings.Join(args, " "), "-policy") || strings.HasSuffix(args[len(args)-1], "-")) {
					continue
				}
				args := append(append([]string{"carat"}, args...), more...)
				t.Run(strings.Join(args[1:min(3, len(args))], " "), func(t *testing.T) {
					var full bytes.Buffer
					run(context.Background(), args, streams{strings.NewReader(""), &full, io.Discard})
					require.NotZero(t, full.Len(), args)
					for _, room := range []int{0, 10} {
						var stderr bytes.Buffer
						code := run(context.Background(), args, streams{strings.NewReader(""), &fullDisk{room}, &stderr})
						require.Equal(t, exitEnvironment, code, "%s: %s", args, &stderr)
						require.Contains(t, stderr.String(), "cannot write to standard output: ", args)
					}
				})
			}
		}
	}
}

// TestClosedStderr: messages that nobody reads do not stop a run.
func TestClosedStderr(t *testing.T) {
	closed := &fullDisk{}
	var out bytes.Buffer
	code := run(context.Background(), []string{"carat", "plan", tiny, "--type", "IQ3_M"}, streams{strings.NewReader(""), &out, closed})
	require.Zero(t, code)
	require.NotZero(t, out.Len())
	require.Equal(t, exitUsage, run(context.Background(), []string{"carat", "frob"}, streams{strings.NewReader(""), &out, closed}))
}

// TestExitCodesOfSystems: whatever a system says about the room or the right to write is 5.
func TestExitCodesOfSystems(t *testing.T) {
	for _, e := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EACCES, syscall.EPERM, syscall.EFBIG, syscall.EIO, syscall.EPIPE} {
		require.Equal(t, exitEnvironment, exitCode(errors.Join(errors.New("a report"), e)), e)
	}
}
