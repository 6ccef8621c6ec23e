package cache

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

type inner struct {
	name string
	n    *int
}

type outer struct {
	Inner  inner
	List   []string
	Map    map[string]float64
	Any    any
	Output string `key:"-"`
}

func TestKeyTellsValuesApart(t *testing.T) {
	one, uno, two := 1, 1, 2
	seen := map[string]any{}
	for _, v := range []any{
		outer{}, outer{Inner: inner{name: "a"}}, outer{Inner: inner{n: &one}}, outer{Inner: inner{n: &two}}, inner{}, inner{name: "a"},
		outer{List: []string{"a", "b"}}, outer{List: []string{"ab"}}, outer{List: []string{"ab", ""}}, outer{List: []string{"b", "a"}},
		outer{Map: map[string]float64{"a": 1, "b": 2}}, outer{Map: map[string]float64{"a": 2, "b": 1}}, outer{Map: map[string]float64{"a": math.NaN()}},
		outer{Any: 1}, outer{Any: int64(1)}, outer{Any: "1"}, outer{Any: []byte("1")}, outer{Any: 1.0}, outer{Any: true}, outer{Any: false}, outer{Any: &one},
		[]byte("ab"), [2]byte{'a', 'b'}, "ab", nil, math.Copysign(0, -1), 0.0, (*int)(nil),
	} {
		k, err := Key(v)
		require.NoError(t, err)
		require.Len(t, k, 64)
		require.NotContains(t, seen, k, "%#v and %#v", v, seen[k])
		seen[k] = v
	}
	for _, same := range [][2]any{
		{outer{Output: "a"}, outer{Output: "b"}}, {outer{Inner: inner{n: &one}}, outer{Inner: inner{n: &uno}}},
		{map[int]int{1: 2, 3: 4, 5: 6}, map[int]int{5: 6, 3: 4, 1: 2}}, {outer{List: []string{}}, outer{}},
	} {
		a, err := Key(same[0])
		require.NoError(t, err)
		b, err := Key(same[1])
		require.NoError(t, err)
		require.Equal(t, a, b)
	}
}

func TestKeyRefusesWhatHasNoEncoding(t *testing.T) {
	_, err := Key(outer{Any: func() {}})
	require.ErrorContains(t, err, "outer.Any: cannot encode a func()")
	type loop struct{ next *loop }
	l := &loop{}
	l.next = l
	_, err = Key(l)
	require.ErrorContains(t, err, "nested")
	_, err = Key(struct{ f func() }{})
	require.NoError(t, err, "a nil one")
}
