package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/convert/hub/hubtest"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/stretchr/testify/require"
)

// openStream opens the weights of a repository with a file of several blocks.
func openStream(t *testing.T, before func(h *hubtest.Server, w http.ResponseWriter, r *http.Request) bool) (*hubtest.Server, *inputfile.File, context.CancelFunc) {
	files := checkpoint()
	files["model.safetensors"] = noise(3*testBlock - 7)
	h := newFakeHub(t, files)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	c := testClient(t)
	s, err := c.Stream(ctx, Ref{ID: "org/name"}, PullOptions{})
	require.NoError(t, err)
	require.Equal(t, []string{"model.safetensors"}, s.Weights.Names)
	require.NoFileExists(t, filepath.Join(s.Path, "model.safetensors"))
	require.FileExists(t, filepath.Join(s.Path, "config.json"))
	if before != nil {
		h.Before = func(w http.ResponseWriter, r *http.Request, onHost bool) bool { return onHost && before(h, w, r) }
	}
	f, err := s.Weights.Open(filepath.Join(s.Path, "model.safetensors"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	_, err = s.Weights.Open("other.safetensors")
	require.ErrorIs(t, err, gguf.ErrInput)
	return h, f, cancel
}

func TestStream(t *testing.T) {
	var n atomic.Int32
	h, f, _ := openStream(t, func(h *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
		if n.Add(1) != 2 {
			return false
		}
		w.Header().Set("ETag", `"of-the-host"`) // ends early
		var from, to int
		_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, 3*testBlock-7))
		w.Header().Set("Content-Length", fmt.Sprint(to+1-from))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(h.Files["model.safetensors"][from : from+1000])
		panic(http.ErrAbortHandler)
	})
	want := h.Files["model.safetensors"]
	require.EqualValues(t, len(want), f.Size())
	require.Nil(t, f.Map())
	var group sync.WaitGroup
	for _, at := range []int{0, 5, testBlock - 3, 2*testBlock - 1, len(want) - 10} {
		group.Go(func() {
			got := make([]byte, 10)
			if at == 5 {
				got = make([]byte, 2*testBlock) // over all blocks
			}
			_, err := f.ReadAt(got, int64(at))
			require.NoError(t, err)
			require.True(t, bytes.Equal(want[at:][:len(got)], got), at)
		})
	}
	group.Wait()
	require.Equal(t, 4, h.Count("host /model.safetensors"), "each block once, and the rest of one")
	_, err := f.ReadAt(make([]byte, 10), int64(len(want))-9)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.NoError(t, f.Unchanged())
}

// TestStreamGGUF: a GGUF file, here in parts, is read where it is; for headers alone little is fetched.
func TestStreamGGUF(t *testing.T) {
	md := &gguf.Metadata{}
	md.Append("general.architecture", "llama")
	infos := []gguf.TensorInfo{{Name: "a", Type: gguf.F32, Shape: []int64{30_000}}, {Name: "b", Type: gguf.F32, Shape: []int64{30_000}}}
	path := filepath.Join(t.TempDir(), "m-Q8_0.gguf")
	w, err := gguf.CreateSplit(path, md, infos, gguf.Split{MaxTensors: 1})
	require.NoError(t, err)
	want := [][]byte{noise(120_000), noise(120_000)}
	for i := range want {
		require.NoError(t, w.WriteAt(i, want[i], 0))
	}
	require.NoError(t, w.Commit())
	files := map[string][]byte{"README.md": []byte("# x")}
	for i := range want {
		name := gguf.SplitPath("m-Q8_0", i+1, 2)
		files["parts/"+name], err = os.ReadFile(filepath.Join(filepath.Dir(path), name))
		require.NoError(t, err)
	}
	for _, headers := range []bool{false, true} {
		h := newFakeHub(t, files)
		s, err := testClient(t).Stream(t.Context(), Ref{ID: "org/name", File: "Q8_0"}, PullOptions{Headers: headers})
		require.NoError(t, err)
		require.Equal(t, filepath.FromSlash("org/name/parts/m-Q8_0-00001-of-00002.gguf"), s.Path)
		m, err := convert.OpenPath(s.Path, convert.Options{Weights: s.Weights})
		require.NoError(t, err)
		require.Equal(t, "llama", m.Metadata().Architecture())
		if headers {
			require.Equal(t, 2*4, h.Count("host "), "what the header's reader asks for, 64 KiB, and nothing ahead")
		}
		got := make([]byte, 120_000)
		for i, tensor := range m.Tensors() {
			require.NoError(t, tensor.ReadRows(got, 0, 1))
			require.True(t, bytes.Equal(want[i], got))
		}
		require.NoError(t, m.Close())
	}
}

// Nothing compares a checksum in the end: a file that changes is an error, and so is a host that sends no ranges.
func TestStreamFails(t *testing.T) {
	for says, before := range map[string]func(h *hubtest.Server, w http.ResponseWriter, r *http.Request) bool{
		"the ETag is": func(h *hubtest.Server, w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("ETag", fmt.Sprintf(`"%v"`, strings.HasPrefix(r.Header.Get("Range"), "bytes=0-")))
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(h.Files["model.safetensors"]))
			return true
		},
		"the host does not send parts of files": func(_ *hubtest.Server, _ http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("Range")
			return false
		},
		"the range is": func(_ *hubtest.Server, _ http.ResponseWriter, r *http.Request) bool {
			r.Header.Set("Range", "bytes=0-99")
			return false
		},
	} {
		_, f, _ := openStream(t, before)
		_, err := f.ReadAt(make([]byte, 3*testBlock-7), 0)
		require.ErrorContains(t, err, says)
		require.ErrorIs(t, err, gguf.ErrInput, says)
		require.Equal(t, says == "the range is", errors.Is(err, gguf.ErrEnvironment), "only that is asked for again")
	}
	_, f, cancel := openStream(t, func(*hubtest.Server, http.ResponseWriter, *http.Request) bool { return false })
	cancel()
	_, err := f.ReadAt(make([]byte, 1), 0)
	require.ErrorIs(t, err, context.Canceled)

	newFakeHub(t, map[string][]byte{"config.json": {}, "pytorch_model.bin": noise(10)})
	_, err = testClient(t).Stream(t.Context(), Ref{ID: "org/name"}, PullOptions{})
	require.ErrorContains(t, err, "only safetensors and GGUF files")
}

// No more blocks are held than are allowed.
func TestBlocksAreLetGo(t *testing.T) {
	c := newBlocks(1)
	done := make(chan struct{})
	close(done)
	for i := range int64(3 * maxBlocks) {
		c.mu.Lock()
		c.clock++
		c.held[blockKey{nil, i}] = &block{ready: done, used: c.clock}
		c.evict()
		c.mu.Unlock()
	}
	require.Len(t, c.held, maxBlocks)
	require.Contains(t, c.held, blockKey{nil, 3*maxBlocks - 1})
	require.NotContains(t, c.held, blockKey{nil, 0})
}
