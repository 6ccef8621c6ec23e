package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// The costs that list shows are those of docs/benchmarks.md, all of them.
func TestCosts(t *testing.T) {
	b, err := os.ReadFile("../../docs/benchmarks.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(b), "The same model with noise inside each quantization cell")
	require.True(t, found)
	_, table, _ = strings.Cut(table, "|---|")
	table, _, _ = strings.Cut(table, "\n\n")
	want, got := map[string]string{}, map[string]string{}
	for row := range strings.SplitSeq(table, "\n| ") {
		if cells := strings.Split(row, " | "); len(cells) > 3 {
			want[cells[0]] = cells[3]
		}
	}
	for _, name := range recipe.Names() {
		ft, _ := recipe.ParseFileType(name)
		if c := costs[ft]; c.alone != nil {
			got[name] = fmt.Sprintf("%.6f", *c.alone)
		}
		if c := costs[ft]; c.imatrix != nil {
			got[name+", im"] = fmt.Sprintf("%.6f", *c.imatrix)
		}
	}
	require.Equal(t, want, got)
	require.NotEmpty(t, got)
}
