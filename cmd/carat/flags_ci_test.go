package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/ci"
	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

// TestNothingToAttest: a statement needs a digest. Without one it is left out, and the other files are written.
func TestNothingToAttest(t *testing.T) {
	dir := t.TempDir()
	o := ciOptions{files: map[string]string{}}
	for _, w := range ciWriters {
		o.files[w.flag] = filepath.Join(dir, w.flag)
	}
	r := &report.Report{Schema: report.Schema, Version: report.Version, Command: "gate",
		Candidates: []report.Candidate{{Model: report.Model{Name: "m.gguf"}, Failure: "no"}},
		Gate:       &report.Gate{Verdict: report.Fail, ExitCode: 4, Candidate: "m.gguf"}}
	write := func(g global) string {
		var log bytes.Buffer
		g.err = &log
		var out outputs
		require.NoError(t, o.stage(g, r, ci.Run{}, &out))
		require.NoError(t, out.commit(io.Discard))
		return log.String()
	}
	require.Equal(t, "carat: note: --intoto "+o.files["intoto"]+` is not written: nothing to attest: m.gguf has no SHA-256 in the report (found "")`+"\n", write(global{}))
	require.ElementsMatch(t, []string{"sarif", "cyclonedx", "benchmark", "mlflow"}, names(t, dir))
	require.Empty(t, write(global{quiet: true}))

	r.Candidates[0].SHA256 = strings.Repeat("0", 64)
	require.Empty(t, write(global{}))
	b, err := os.ReadFile(o.files["intoto"])
	require.NoError(t, err)
	require.Contains(t, string(b), `"result":"FAILED"`)
}
