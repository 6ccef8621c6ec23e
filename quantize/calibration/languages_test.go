package calibration

import (
	"errors"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestKnown(t *testing.T) {
	all := Default()
	codes := map[string]bool{}
	asked := 0
	german := all.Documents[slices.IndexFunc(all.Documents, func(d Document) bool { return d.Language == "de" })]
	m, unknown, err := all.Known(func(text string) (float64, error) {
		asked++
		if text == german.Text {
			return deflated(text) / 3, nil
		}
		return deflated(text) * 0.6, nil
	})
	require.NoError(t, err)
	for _, d := range all.Documents {
		codes[d.Language] = true
	}
	require.True(t, codes[""] && codes["de"] && codes["zh"])
	require.Equal(t, len(codes)-1, asked, "each language is judged once")
	require.Len(t, unknown, len(codes)-2)
	require.True(t, slices.IsSorted(unknown))
	require.NotContains(t, unknown, "de")
	require.True(t, slices.ContainsFunc(m.Documents, func(d Document) bool { return d.Language == "de" }))
	require.False(t, slices.ContainsFunc(m.Documents, func(d Document) bool { return d.Language == "zh" }))
	other := func(d Document) bool { return d.Language != "" }
	require.Equal(t, slices.DeleteFunc(slices.Clone(all.Documents), other), slices.DeleteFunc(slices.Clone(m.Documents), other))

	// A folder's texts are the user's choice.
	own, err := Read(files(map[string]string{"languages/de.txt": paragraphs("Baum", 2)}))
	require.NoError(t, err)
	same, unknown, err := own.Known(func(string) (float64, error) { return 0, errors.New("not asked") })
	require.NoError(t, err)
	require.Empty(t, unknown)
	require.Equal(t, own.Documents, same.Documents)

	_, _, err = all.Known(func(string) (float64, error) { return 0, errors.New("no model") })
	require.EqualError(t, err, "no model")
}
