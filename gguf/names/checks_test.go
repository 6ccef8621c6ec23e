package names

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestByCheck(t *testing.T) {
	sum := sha256.Sum256([]byte(CheckText))
	require.Equal(t, "a36179c1e2b1cfcfbfad1dc779addad2ffc778201e4cf0d538bddeafa2c526da", hex.EncodeToString(sum[:]))
	_, ok := ByCheck([]int32{1, 2, 3})
	require.False(t, ok)
	// The list is hashed as Python writes it.
	list := sha256.Sum256([]byte("[1, 22, 333]"))
	key := hex.EncodeToString(list[:])
	checks[key] = "gpt-2"
	defer delete(checks, key)
	name, ok := ByCheck([]int32{1, 22, 333})
	require.True(t, ok)
	require.Equal(t, "gpt-2", name)
	for _, name := range checks {
		_, known := Find(name)
		require.True(t, known || name == "kimi-k25", name)
	}
}
