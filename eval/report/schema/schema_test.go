package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSchema: docs/report.schema.json says what the Go types say.
func TestSchema(t *testing.T) {
	got, err := generate("../..")
	require.NoError(t, err)
	want, err := os.ReadFile("../../../docs/report.schema.json")
	require.NoError(t, err)
	require.Equal(t, strings.Split(string(want), "\n"), strings.Split(string(got), "\n"), "types and schema differ: go generate ./eval/report")
	_, err = generate(t.TempDir() + "/none")
	require.NoError(t, err, "without the sources there are no descriptions")
}
