package atomicfile

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// content is some steps of the follower and a bit.
func content() []byte {
	b := make([]byte, 5*followBytes+1234)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// pieces cuts n bytes at places that differ in length.
func pieces(n int) (cuts [][2]int) {
	for at, i := 0, 1; at < n; i++ {
		end := min(n, at+i*7919)
		cuts = append(cuts, [2]int{at, end})
		at = end
	}
	return cuts
}

// TestFollow: the follower has the bytes of the file, in whatever order and by however many goroutines they are written.
func TestFollow(t *testing.T) {
	want := content()
	for name, order := range map[string]func(n int) []int{
		"forwards":  forwards,
		"backwards": backwards,
		"shuffled":  func(n int) []int { return rand.New(rand.NewPCG(3, 4)).Perm(n) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			a, err := Create(path, int64(len(want)))
			require.NoError(t, err)
			var got bytes.Buffer
			f := a.Follow(&got)
			cuts := pieces(len(want))
			turns := order(len(cuts))
			var group sync.WaitGroup
			for w := range 3 {
				group.Go(func() {
					for i := w; i < len(turns); i += 3 {
						c := cuts[turns[i]]
						_, err := a.WriteAt(want[c[0]:c[1]], int64(c[0]))
						require.NoError(t, err)
					}
				})
			}
			group.Wait()
			whole, err := f.Wait(t.Context())
			require.NoError(t, err)
			require.True(t, whole)
			require.True(t, bytes.Equal(want, got.Bytes()))
			require.NoError(t, a.Commit())
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, b))
		})
	}
}

func forwards(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

func backwards(n int) []int {
	order := forwards(n)
	slices.Reverse(order)
	return order
}

// TestFollowLags lets the follower be much slower than what writes, which must wait and not get stuck.
func TestFollowLags(t *testing.T) {
	a, err := Create(filepath.Join(t.TempDir(), "out"), 3*lead)
	require.NoError(t, err)
	defer a.Abort()
	hold := &held{open: make(chan struct{})}
	f := a.Follow(hold)
	written := make(chan struct{})
	go func() {
		defer close(written)
		for off := int64(0); off < 3*lead; off += lead / 2 {
			_, err := a.WriteAt(make([]byte, lead/2), off)
			require.NoError(t, err)
		}
	}()
	close(hold.open)
	<-written
	whole, err := f.Wait(t.Context())
	require.NoError(t, err)
	require.True(t, whole)
	require.Equal(t, int64(3*lead), hold.n)
}

// held counts what it is given, once it may.
type held struct {
	open chan struct{}
	n    int64
}

func (h *held) Write(p []byte) (int, error) {
	<-h.open
	h.n += int64(len(p))
	return len(p), nil
}

// TestFollowHasWhatNobodyWrote: zeros that were skipped, and those behind a gap.
func TestFollowHasWhatNobodyWrote(t *testing.T) {
	a, err := Create(filepath.Join(t.TempDir(), "out"), 3*followBytes)
	require.NoError(t, err)
	defer a.Abort()
	var got bytes.Buffer
	f := a.Follow(&got)
	a.Skip(4, 8)
	for at, s := range map[int64]string{0: "head", 8: "body", followBytes + 1: "end"} {
		_, err := a.WriteAt([]byte(s), at)
		require.NoError(t, err)
	}
	whole, err := f.Wait(t.Context())
	require.NoError(t, err)
	require.True(t, whole)
	want := make([]byte, 3*followBytes)
	copy(want, "head\x00\x00\x00\x00body")
	copy(want[followBytes+1:], "end")
	require.True(t, bytes.Equal(want, got.Bytes()))
}

// TestFollowWrittenTwice: what the follower had may be of the first time.
func TestFollowWrittenTwice(t *testing.T) {
	a, err := Create(filepath.Join(t.TempDir(), "out"), 8)
	require.NoError(t, err)
	defer a.Abort()
	f := a.Follow(&bytes.Buffer{})
	for _, s := range []string{"once", "more"} {
		_, err := a.WriteAt([]byte(s), 0)
		require.NoError(t, err)
	}
	whole, err := f.Wait(t.Context())
	require.NoError(t, err)
	require.False(t, whole)
}

// TestFollowIsLeft ends a file whose follower has not had it all, and one that nobody waits for.
func TestFollowIsLeft(t *testing.T) {
	for name, end := range map[string]func(*File) error{"abort": (*File).Abort, "commit": (*File).Commit} {
		t.Run(name, func(t *testing.T) {
			a, err := Create(filepath.Join(t.TempDir(), "out"), 4*followBytes)
			require.NoError(t, err)
			f := a.Follow(&bytes.Buffer{})
			_, err = a.WriteAt(make([]byte, followBytes), followBytes)
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, _ = f.Wait(ctx)
			require.NoError(t, end(a))
		})
	}
}

func TestFront(t *testing.T) {
	f := newFront()
	for _, s := range []struct{ begin, end, from, to int64 }{
		{0, 100, 0, 0},
		{sendStep, 3 * sendStep, 0, 0}, // a gap before it
		{100, sendStep, 0, 3 * sendStep},
		{5 * sendStep, 6 * sendStep, 0, 0},
		{3 * sendStep, 4*sendStep - 1, 0, 0},
		{4*sendStep - 1, 5*sendStep - 1, 3 * sendStep, 4 * sendStep},
		{5*sendStep - 1, 5 * sendStep, 4 * sendStep, 6 * sendStep},
	} {
		from, to := f.wrote(s.begin, s.end)
		if s.from == s.to {
			require.Equal(t, from, to, "%v", s)
			continue
		}
		require.Equal(t, [2]int64{s.from, s.to}, [2]int64{from, to}, "%v", s)
	}
	require.False(t, f.rewritten())
	f.wrote(sendStep, sendStep+1)
	require.True(t, f.rewritten())
}
