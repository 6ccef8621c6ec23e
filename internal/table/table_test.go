package table

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func printed(t *Table) string {
	var b strings.Builder
	t.Print(&b)
	return b.String()
}

func TestColumnsLineUp(t *testing.T) {
	x := &Table{Align: "lr"}
	x.Row("näme", "size", "rule")
	x.Row("a", 12345, "")
	x.Row("a longer one", 7, "why")
	x.Row("ends", Cell{"9", Dim})
	require.Equal(t, "näme           size  rule\na             12345\na longer one      7  why\nends              9\n", printed(x))
	x.Color = true
	require.Contains(t, printed(x), "    \x1b[2m9\x1b[0m\n", "colours take no room")
}

func TestShortRowsWidenNothing(t *testing.T) {
	x := &Table{}
	x.Row("memory", "a sentence that is longer than any cell")
	x.Row("test", "1", "2")
	require.Equal(t, "memory  a sentence that is longer than any cell\ntest    1  2\n", printed(x))
}

func TestEmptyColumnsTakeNoRoom(t *testing.T) {
	x := &Table{Align: "lll"}
	x.Row("a", "", "b")
	x.Row("c", "", "d")
	require.Equal(t, "a  b\nc  d\n", printed(x))
}

func TestNamesAreMadeHarmless(t *testing.T) {
	x := &Table{}
	x.Row("a\x1b[2J\nb", Cell{Text: "\u202ex"})
	require.NotContains(t, printed(x), "\x1b")
	require.Equal(t, 1, strings.Count(printed(x), "\n"))
}
