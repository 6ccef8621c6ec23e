package arch

import (
	"encoding/json"
	"maps"
	"os"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// TestAnyKeyWrong: whichever key of a good config is missing or has another value, what comes of it is a description or an
// error, and never a panic.
func TestAnyKeyWrong(t *testing.T) {
	var cases map[string]struct{ Config map[string]any }
	b, err := os.ReadFile("../testdata/families.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &cases))
	wrong := []any{0.0, -1.0, 3.0, "x", []any{0.0}}
	if testing.Short() {
		wrong = wrong[:1]
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := maps.Clone(c.Config)
			text, _ := values["text_config"].(map[string]any)
			for _, keys := range []map[string]any{values, text} {
				for key, good := range maps.Clone(keys) {
					if key == "architectures" || key == "text_config" {
						continue
					}
					for _, w := range wrong {
						keys[key] = w
						describeAny(t, values)
					}
					delete(keys, key)
					describeAny(t, values)
					keys[key] = good
				}
			}
		})
	}
}

func describeAny(t *testing.T, values map[string]any) {
	b, err := json.Marshal(values)
	require.NoError(t, err)
	c, err := parseConfig(b, "config.json")
	require.NoError(t, err)
	f, _, c, err := Find(c)
	if err != nil {
		require.ErrorIs(t, err, gguf.ErrInput)
		return
	}
	f.Describe(c)
	if c.Err() != nil {
		require.ErrorIs(t, c.Err(), gguf.ErrInput)
	}
}
