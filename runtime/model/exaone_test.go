package model

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEXAONEEpsilon: files that call what is added in norms layer_norm_epsilon give the logits of those that do not.
func TestEXAONEEpsilon(t *testing.T) {
	const name = "exaone.attention.layer_norm_rms_epsilon"
	f := invented(t, "exaone")
	ids, v := testIDs(9), float32(0)
	if x, ok := f.md.Get(name); ok {
		v = x.(float32)
	}
	want := all(t, load(t, f, 1), ids)
	f.md.Delete(name)
	f.md.Set("exaone.attention.layer_norm_epsilon", v)
	require.Equal(t, want, all(t, load(t, f, 1), ids))
	_, ok := f.md.Get(name)
	require.False(t, ok, "the file's metadata stay as they are")
	f.md.Delete("exaone.attention.layer_norm_epsilon")
	require.ErrorContains(t, Check(f), name+" is missing")
}
