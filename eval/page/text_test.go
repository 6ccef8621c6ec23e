package page

import (
	"bytes"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/table"
	"github.com/stretchr/testify/require"
)

// TestColours: colours change nothing but the colours.
func TestColours(t *testing.T) {
	var plain, color bytes.Buffer
	require.NoError(t, Terminal(&plain, sample(), false))
	require.NoError(t, Terminal(&color, sample(), true))
	require.NotContains(t, plain.String(), "\x1b")
	s := color.String()
	for _, c := range []string{"1;31", table.Bold, table.Dim, table.Red, table.Green, table.Yellow, "0"} {
		require.Contains(t, s, "\x1b["+c+"m")
		s = strings.ReplaceAll(s, "\x1b["+c+"m", "")
	}
	require.Equal(t, plain.String(), s)
}

func TestTerminalShowsNoControlCharacters(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Terminal(&b, hostile("\x1b]0;x\x07\u202e\n::error::x"), false))
	require.NotContains(t, b.String(), "\x1b")
	require.NotContains(t, b.String(), "\u202e")
	require.NotContains(t, b.String(), "\n::error")
}

func TestMarkdownShowsNoMarkup(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Markdown(&b, hostile("</details><img src=x>|@all `x` [a](https://e.com)\n# x")))
	s := b.String()
	for _, bad := range []string{"<img", "@all", "https://", "\n# x"} {
		require.False(t, strings.Contains(s, bad), bad)
	}
	require.Equal(t, strings.Count(s, "<details>"), strings.Count(s, "</details>"))
	require.Equal(t, strings.Count(s, "<details>"), strings.Count(s, "<summary>"))
}

func TestMarkdownFitsAStepSummary(t *testing.T) {
	r := sample()
	c := &r.Candidates[0]
	for i := range 20_000 {
		c.Tensors = append(c.Tensors, report.Tensor{Name: "x", Role: strings.Repeat("x", 100) + string(rune(0x4e00+i)), Layer: -1})
	}
	var b bytes.Buffer
	require.NoError(t, Markdown(&b, r))
	require.Less(t, b.Len(), 1<<20)
	require.Contains(t, b.String(), "rows more")
	require.True(t, strings.HasSuffix(b.String(), "</details>\n\n"))
}
