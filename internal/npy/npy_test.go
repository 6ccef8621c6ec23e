package npy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHeader(t *testing.T) {
	for _, rows := range []int{0, 3, 12345, 1 << 40} {
		h := string(Header(rows, 384))
		require.Zero(t, len(h)%64)
		require.True(t, strings.HasPrefix(h, "\x93NUMPY\x01\x00"))
		require.Equal(t, len(h)-10, int(h[8])|int(h[9])<<8)
		require.True(t, strings.HasSuffix(h, " \n") || strings.HasSuffix(h, "}\n"))
	}
	require.Equal(t, "\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (3, 384), }"+strings.Repeat(" ", 56)+"\n", string(Header(3, 384)))
}
