package main

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTimeLeft(t *testing.T) {
	b := newCounter(global{streams: streams{err: io.Discard}}, "eval")
	defer b.finish()
	require.Equal(t, "eval", b.text(time.Second), "nothing is known yet")
	b.update(2, 10)
	require.Equal(t, "eval, 40s left", b.text(10*time.Second))

	b = newCounter(global{streams: streams{err: io.Discard}}, "eval")
	b.resume(10, 20)
	require.Equal(t, "eval", b.text(10*time.Second))
	b.update(12, 20)
	b.describe("eval KLD 0.02")
	require.Equal(t, "eval KLD 0.02, 40s left", b.text(10*time.Second), "ten are of an earlier run")
}
