package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// table is what benchstat -format csv prints.
const table = `goos: linux
goarch: amd64
pkg: example.com/a
cpu: X
,base,,head,,,
,sec/op,CI,sec/op,CI,vs base,P
Foo/x-2,1.0095e-06,1%,1.311e-06,1%,+29.87%,p=0.000 n=8
Bar-2,1.0125e-06,1%,1.0125e-06,1%,~,p=1.000 n=8
Faster-2,1.0125e-06,1%,0.5e-06,1%,-50.61%,p=0.000 n=8
Gone-2,1.0125e-06,1%,,,,
geomean,1.0109988872397434e-06,,1.152123040304291e-06,,+93.96%,

,base,,head,,,
,B/s,CI,B/s,CI,vs base,P
Bar-2,9.90555e+08,1%,1.62605e+09,1%,+63.01%,p=0.000 n=8

pkg: example.com/b
,base,,head,,,
,sec/op,CI,sec/op,CI,vs base,P
Baz-2,1.0095e-06,1%,1.1e-06,1%,+8.97%,p=0.002 n=8
`

func TestSlower(t *testing.T) {
	for _, c := range []struct {
		limit float64
		want  []string
	}{
		{10, []string{"example.com/a Foo/x-2: +29.87% (p=0.000 n=8)"}},
		{5, []string{"example.com/a Foo/x-2: +29.87% (p=0.000 n=8)", "example.com/b Baz-2: +8.97% (p=0.002 n=8)"}},
		{30, nil},
	} {
		compared, slow, err := slower(table, c.limit)
		require.NoError(t, err)
		require.Equal(t, 4, compared)
		require.Equal(t, c.want, slow)
	}
	compared, _, err := slower("", 10)
	require.NoError(t, err)
	require.Zero(t, compared)
}
