//go:build linux || darwin

package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A process that a test started ends itself where CARAT_TEST_KILL says, as if the system had killed it.
func init() {
	if place := os.Getenv("CARAT_TEST_KILL"); place != "" {
		reached = func(p string) {
			if p == place {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		}
	}
}

// TestKilled: a process that is killed with its work done, but for the name, leaves nothing: see atomicfile.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	needNameless(t, dir)
	t.Setenv("CARAT_TEST_KILL", "staged")
	code, stderr := process(t, nil, "", "build", tiny, "--type", "Q4_0", "-o", filepath.Join(dir, "out.gguf"), "--manifest", filepath.Join(dir, "m.json"))
	require.Equal(t, -1, code, stderr)
	require.Empty(t, listing(t, dir))
	t.Setenv("CARAT_TEST_KILL", "written")
	code, stderr = process(t, nil, "", "build", tiny, "--type", "Q4_0", "-o", filepath.Join(dir, "out.gguf"), "--manifest", filepath.Join(dir, "m.json"))
	require.Equal(t, -1, code, stderr)
	require.Len(t, listing(t, dir), 2)
}

// TestKilledWhileMeasuring: models that are made for a run only go with it. What is left of their folder has no size, and
// the next run removes it.
func TestKilledWhileMeasuring(t *testing.T) {
	needNameless(t, t.TempDir())
	text := filepath.Join(t.TempDir(), "text.txt")
	b, err := os.ReadFile(evalFile)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(text, b[:3000], 0o600))
	for _, c := range []struct{ name, place string }{{"sweep", "measured"}, {"gate", "measured"}} {
		t.Run(c.name, func(t *testing.T) {
			temporary, dir := t.TempDir(), t.TempDir()
			t.Setenv("TMPDIR", temporary)
			t.Setenv("CARAT_CACHE", t.TempDir())
			args := []string{"sweep", tiny, "--types", "Q4_0,Q8_0", "--text", text, "--ctx", "64", "--chunks", "2", "--csv", filepath.Join(dir, "r.csv")}
			if c.name == "gate" {
				args = []string{"gate", tiny, "--type", "Q8_0", "--text", text, "--ctx", "64", "--keep", "--warn-only", "-o", filepath.Join(dir, "out.gguf"), "--csv", filepath.Join(dir, "r.csv")}
			}
			t.Setenv("CARAT_TEST_KILL", c.place)
			code, stderr := process(t, nil, "", args...)
			require.Equal(t, -1, code, stderr)
			left := append(listing(t, temporary), listing(t, dir)...)
			require.NotEmpty(t, left, "the folder that is left")
			for _, f := range left {
				st, err := os.Lstat(f)
				require.NoError(t, err)
				require.True(t, st.Mode()&os.ModeSymlink != 0 || st.Size() == 0, "%s has %d bytes", f, st.Size())
			}
			t.Setenv("CARAT_TEST_KILL", "")
			code, stderr = process(t, nil, "", args...)
			require.Zero(t, code, stderr)
			require.Empty(t, listing(t, temporary))
			for _, f := range listing(t, dir) {
				require.Contains(t, []string{"r.csv", "out.gguf"}, filepath.Base(f))
				st, err := os.Lstat(f)
				require.NoError(t, err)
				require.True(t, st.Mode().IsRegular() && st.Size() > 0, f)
			}
		})
	}
}

// process runs carat as a process of its own, by the shell's words when there are some, and gives its exit code: -1
// when a signal ended it.
func process(t *testing.T, stdout *os.File, shell string, args ...string) (code int, stderr string) {
	t.Helper()
	cmd := exec.Command("carat", args...)
	if shell != "" {
		cmd = exec.Command("sh", append([]string{"-c", shell + `; exec carat "$@"`, "carat"}, args...)...)
	}
	var b bytes.Buffer
	cmd.Stdout, cmd.Stderr = stdout, &b
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return cmd.ProcessState.ExitCode(), b.String()
}

// TestClosedPipe: nobody reads what is printed.
func TestClosedPipe(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"plan", tiny, "--type", "Q4_0"}, {"plan", tiny, "--type", "Q4_0", "--json"}, {"run", tiny, "-p", "a", "-n", "200"}} {
		r, w, err := os.Pipe()
		require.NoError(t, err)
		require.NoError(t, r.Close())
		code, stderr := process(t, w, "", args...)
		require.NoError(t, w.Close())
		require.Equal(t, exitEnvironment, code, "%s: %s", args, stderr)
		require.Contains(t, stderr, "cannot write to standard output: broken pipe")
	}
}

// TestOutputIsStdout: a file that standard output was redirected to is not replaced under it.
func TestOutputIsStdout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	for _, name := range []string{path, "/dev/stdout"} {
		code, stderr := process(t, f, "", "convert", tiny, "-o", name)
		require.Equal(t, exitUsage, code)
		require.Contains(t, stderr, "-o "+name+" is the file that /dev/stdout is redirected to")
	}
	st, err := os.Stat(path)
	require.NoError(t, err)
	require.Zero(t, st.Size())
}

func TestDevFull(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no /dev/full")
	}
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	require.NoError(t, err)
	defer full.Close()
	code, stderr := process(t, full, "", "plan", tiny, "--type", "Q4_0")
	require.Equal(t, exitEnvironment, code, stderr)
	require.Contains(t, stderr, "no space left on device")
}

// TestFileSizeLimit stands for a full disk: no file may get longer than some kilobytes. Whatever is written, the exit
// code is 5, nothing is left, and no temporary name is told.
func TestFileSizeLimit(t *testing.T) {
	dir := t.TempDir()
	small := func(blocks string) string { return "ulimit -f " + blocks }
	at := func(name string) string { return filepath.Join(dir, name) }
	text := filepath.Join(t.TempDir(), "text.txt")
	b, err := os.ReadFile(evalFile)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(text, b[:4000], 0o600))
	for _, args := range [][]string{
		{"build", tiny, "--type", "Q4_0", "-o", at("out.gguf"), "--manifest", at("out.json")},
		{"convert", tiny, "-o", at("out.gguf")},
		{"eval", tiny, "--text", text, "--ctx", "64", "--chunks", "2", "--report", at("r.json"), "--html", at("r.html")},
		{"eval", tiny, "--text", text, "--ctx", "64", "--chunks", "2", "--reference", tiny, "--reference-cache", at("cache"), "--report", at("r.json")},
		{"compare", tiny, tiny, "--text", text, "--ctx", "64", "--chunks", "2", "--html", at("r.html"), "--csv", at("r.csv")},
		{"imatrix", tiny, "--text", text, "--ctx", "64", "--chunks", "2", "-o", at("m.dat")},
		{"plan", tiny, "--type", "Q4_0", "--save", at("recipe.yaml"), "--export-tensor-types", at("types.txt")},
		{"report", "../../eval/report/testdata/sample.json", "--csv", at("r.csv"), "--html", at("r.html")},
	} {
		code, stderr := process(t, nil, small("1"), args...)
		require.Equal(t, exitEnvironment, code, "%s: %s", args, stderr)
		require.NotContains(t, stderr, ".tmp")
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, entries, "%s: %s", args, stderr)
	}
}
