package page

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the files of testdata anew")

// The samples are those of package report.
func sample() *report.Report { return stored("sample") }
func single() *report.Report { return stored("single") }

func stored(name string) *report.Report {
	r, err := report.Read("../report/testdata/" + name + ".json")
	if err != nil {
		panic(err)
	}
	return r
}

// golden compares got with testdata/name, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "go test ./eval/page -update makes it")
	if bytes.Equal(want, got) {
		return
	}
	was, is := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range min(len(was), len(is)) { // the first line only: megabytes of difference help nobody
		require.Equal(t, was[i], is[i], "%s:%d; if that is meant: go test ./eval/page -update", path, i+1)
	}
	require.Equal(t, len(was), len(is), "lines of %s", path)
}
