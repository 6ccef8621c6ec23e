package fetch

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRetryAfter(t *testing.T) {
	for v, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "-1": 0, "99999999999": 5 * time.Minute, "1000000": 5 * time.Minute, "x": 0, "Mon, 02 Jan 2006 15:04:05 GMT": 0} {
		require.Equal(t, want, RetryAfter(v), v)
	}
}

func FuzzPartial(f *testing.F) {
	f.Add([]byte("x"), int64(1), int64(1))
	f.Add(make([]byte, 40), int64(24), int64(12))
	f.Fuzz(func(t *testing.T, content []byte, size, chunk int64) {
		if size < 0 || size > 1<<16 || chunk < 1 || chunk > 1<<20 {
			return
		}
		path := filepath.Join(t.TempDir(), "p")
		require.NoError(t, os.WriteFile(path, content, 0o600))
		p, err := openPartial(path, size, chunk)
		require.NoError(t, err)
		var found int64
		for i := range p.done {
			begin, end := p.missing(i)
			require.LessOrEqual(t, begin, end)
			found += p.done[i]
		}
		require.Equal(t, p.found, found)
		require.LessOrEqual(t, found, size)
		require.NoError(t, p.close())
	})
}
