package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGoldenBad: every malformed input exits with 4, names the file and leaves no output.
func TestGoldenBad(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	b, err := os.ReadFile(filepath.Join(golden, "golden", "bad", "cases.json"))
	require.NoError(t, err)
	var cases []struct{ File, Error, OutType string }
	require.NoError(t, json.Unmarshal(b, &cases))
	matched := 0
	for _, c := range cases {
		dir := t.TempDir()
		in, out := filepath.Join(golden, "golden", "bad", c.File), filepath.Join(dir, "out.gguf")
		args := []string{"carat", "convert", in, "-o", out}
		if c.OutType != "" {
			args = append(args, "--outtype", c.OutType)
		}
		if strings.HasSuffix(c.File, ".gguf") {
			args = []string{"carat", "quantize", in, "--type", "Q8_0", "-o", out}
		}
		var stdout, stderr bytes.Buffer
		code := run(context.Background(), args, streams{nil, &stdout, &stderr})
		require.Equal(t, exitInput, code, "%s: %s", c.File, stderr.String())
		require.Contains(t, stderr.String(), c.Error, c.File)
		require.Contains(t, stderr.String(), c.File)
		require.Empty(t, stdout.String())
		left, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, left, c.File)
		matched++
	}
	t.Logf("matched %d of %d", matched, len(cases))
	require.NotZero(t, len(cases))
	require.Equal(t, len(cases), matched)
}
