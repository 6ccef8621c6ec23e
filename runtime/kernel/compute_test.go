package kernel

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCompute(t *testing.T) {
	for c, name := range map[Compute]string{Exact: `"exact"`, Fast: `"fast"`} {
		b, err := json.Marshal(c)
		require.NoError(t, err)
		require.Equal(t, name, string(b))
		var back Compute
		require.NoError(t, json.Unmarshal(b, &back))
		require.Equal(t, c, back)
	}
	c := Fast
	require.ErrorContains(t, c.UnmarshalText([]byte("fats")), "fast")
	require.Equal(t, Fast, c)
}
