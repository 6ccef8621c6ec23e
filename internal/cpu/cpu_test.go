package cpu

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFind(t *testing.T) {
	tier, err := find("")
	require.NoError(t, err)
	require.Equal(t, best(), tier)
	tier, err = find("Generic")
	require.NoError(t, err)
	require.Equal(t, Generic, tier)
	tier, err = find("abacus")
	require.ErrorContains(t, err, "CARAT_CPU")
	require.ErrorContains(t, err, "generic")
	require.Equal(t, best(), tier)
}

func TestForce(t *testing.T) {
	former := Current()
	for _, tier := range Available() {
		restore := Force(tier)
		require.Equal(t, tier, Current())
		restore()
		require.Equal(t, former, Current())
	}
	require.Equal(t, best(), Available()[0])
	require.Equal(t, Generic, Available()[len(Available())-1])
	require.Panics(t, func() { Force(Tier(len(names))) })
}

func TestName(t *testing.T) {
	require.Equal(t, "Some CPU @ 2: GHz", name(strings.NewReader("processor\t: 0\nmodel\t\t: 17\nmodel name\t: Some CPU @ 2: GHz\nmodel name\t: other\n")))
	require.Empty(t, name(strings.NewReader("BogoMIPS : 50\n")))
}
