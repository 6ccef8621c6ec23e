//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// start runs a command of TestMain and returns its output.
func start(t *testing.T, stderr io.Writer, args ...string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Args, cmd.Stderr = args, stderr
	_, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, bufio.NewReader(out)
}

// exitOf waits for the end.
func exitOf(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	return exit.ExitCode()
}

// TestSecondSignal: the first one cancels, the second one ends what does not end by itself.
func TestSecondSignal(t *testing.T) {
	for _, signals := range [][2]os.Signal{{os.Interrupt, os.Interrupt}, {syscall.SIGTERM, syscall.SIGTERM}, {os.Interrupt, syscall.SIGTERM}} {
		cmd, out := start(t, nil, "stuck")
		for i, want := range []string{"ready\n", "cancelled\n"} {
			line, err := out.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, want, line)
			require.NoError(t, cmd.Process.Signal(signals[i]))
		}
		_, err := out.ReadString('\n')
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, 130, exitOf(t, cmd))
	}
}

// TestFirstSignal ends a run that has begun, by either signal.
func TestFirstSignal(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		// It cannot come to its end: the pipe holds less than the text.
		cmd, out := start(t, nil, "carat", "run", "../../testdata/tiny-llama", "-p", "Once", "-n", "60000", "--temp", "1")
		_, err := io.CopyN(io.Discard, out, 20)
		require.NoError(t, err)
		require.NoError(t, cmd.Process.Signal(sig))
		_, err = io.Copy(io.Discard, out)
		require.NoError(t, err)
		require.Equal(t, 130, exitOf(t, cmd))
	}
}

// TestModelIsCutWhileRunning: the weights are mapped, so that this is a fault in the middle of a product.
func TestModelIsCutWhileRunning(t *testing.T) {
	model := filepath.Join(t.TempDir(), "m.gguf")
	require.Equal(t, 0, run(context.Background(), []string{"carat", "convert", "../../testdata/tiny-llama", "-o", model, "--quiet"}, streams{strings.NewReader(""), io.Discard, io.Discard}))
	var stderr bytes.Buffer
	cmd, out := start(t, &stderr, "carat", "run", model, "-p", "Once", "-n", "60000", "--temp", "1", "--threads", "2")
	_, err := io.CopyN(io.Discard, out, 20)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(model, 1000))
	_, err = io.Copy(io.Discard, out)
	require.NoError(t, err)
	require.Equal(t, 4, exitOf(t, cmd), stderr.String())
	require.Contains(t, stderr.String(), model+": ends at byte 1000, had ")
}
