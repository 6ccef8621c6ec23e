package hub

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carat-llm/carat/convert/fetch"
	"github.com/carat-llm/carat/convert/hub/hubtest"
	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

const commit = hubtest.Commit

// newFakeHub serves files to a client without anything of this machine's.
func newFakeHub(t *testing.T, files map[string][]byte) *hubtest.Server {
	h := hubtest.Start(files)
	t.Cleanup(h.Close)
	for _, name := range []string{"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_CACHE", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH"} {
		t.Setenv(name, "")
	}
	t.Setenv("HF_ENDPOINT", h.Hub.URL)
	t.Setenv("HF_HOME", t.TempDir())
	t.Setenv("HF_TOKEN", hubtest.Token)
	return h
}

const testBlock = 20_000

// testClient waits for nothing and fetches small ranges.
func testClient(t *testing.T) *Client {
	c, err := NewClient()
	require.NoError(t, err)
	c.Chunk, c.block = 10_000, testBlock
	c.Pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return c
}

func noise(n int) []byte {
	b := make([]byte, n)
	x := uint32(n) * 2654435761
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func checkpoint() map[string][]byte {
	return map[string][]byte{
		"config.json": []byte(`{"a": 1}`), "README.md": []byte("# x"), "tokenizer.json": noise(3000), "model.safetensors": noise(45_678),
		"pytorch_model.bin": noise(2000), "onnx/model.onnx": noise(2000), "consolidated.safetensors": noise(2000), "original/config.json": []byte(`{}`),
		"1_Pooling/config.json": []byte(`{}`), "tf_model.h5": noise(1500), "LICENSE": []byte("free"), "empty": {},
	}
}

func pullPaths(p *Pulled) (names []string) {
	for _, f := range p.Files {
		names = append(names, f.Path)
	}
	slices.Sort(names)
	return names
}

// leftovers are files under way.
func leftovers(t *testing.T, dir string) (names []string) {
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if strings.Contains(path, "partial") {
			names = append(names, filepath.Base(path))
		}
		return err
	}))
	return names
}

func TestPull(t *testing.T) {
	h := newFakeHub(t, checkpoint())
	c := testClient(t)
	var done, total int64
	var mu sync.Mutex
	p, err := c.Pull(t.Context(), Ref{ID: "org/name"}, PullOptions{Progress: func(d, n int64) {
		mu.Lock()
		done, total = max(done, d), n
		mu.Unlock()
	}})
	require.NoError(t, err)
	require.Equal(t, []string{"1_Pooling/config.json", "README.md", "config.json", "model.safetensors", "tokenizer.json"}, pullPaths(p))
	require.Equal(t, p.Bytes, done)
	require.Equal(t, p.Bytes, total)
	require.Equal(t, 5, h.Count("host /model.safetensors bytes="), h.Requests)
	for _, token := range h.Tokens {
		require.Empty(t, token, "the token went to another host")
	}
	root := filepath.Join(os.Getenv("HF_HOME"), "hub")
	repo := filepath.Join(root, "models--org--name")
	require.Equal(t, filepath.Join(repo, "snapshots", commit), p.Folder)
	for _, f := range p.Files {
		b, err := os.ReadFile(filepath.Join(p.Folder, f.Path))
		require.NoError(t, err)
		require.Equal(t, h.Files[f.Path], b)
		to, err := os.Readlink(filepath.Join(p.Folder, f.Path))
		require.NoError(t, err)
		require.Equal(t, strings.Repeat("../", 2+strings.Count(f.Path, "/"))+"blobs/"+f.Sum, filepath.ToSlash(to))
	}
	ref, err := os.ReadFile(filepath.Join(repo, "refs", "main"))
	require.NoError(t, err)
	require.Equal(t, commit, string(ref))
	require.Empty(t, leftovers(t, root))

	// The second time nothing is fetched; what is gone or cut off is.
	n := h.Count("host") + h.Count("hub /org")
	again, err := c.Pull(t.Context(), Ref{ID: "org/name"}, PullOptions{})
	require.NoError(t, err)
	require.Zero(t, again.Fetched)
	require.Equal(t, n, h.Count("host")+h.Count("hub /org"))
	require.NoError(t, os.Remove(filepath.Join(p.Folder, "config.json")))
	require.NoError(t, os.Truncate(filepath.Join(p.Folder, "tokenizer.json"), 10))
	again, err = c.Pull(t.Context(), Ref{ID: "org/name", Revision: commit}, PullOptions{})
	require.NoError(t, err)
	require.EqualValues(t, 3000, again.Fetched)
	b, err := os.ReadFile(filepath.Join(p.Folder, "tokenizer.json"))
	require.NoError(t, err)
	require.Equal(t, h.Files["tokenizer.json"], b)
	require.FileExists(t, filepath.Join(p.Folder, "config.json"))
}

func TestPullToFolder(t *testing.T) {
	h := newFakeHub(t, checkpoint())
	dir := filepath.Join(t.TempDir(), "a", "b")
	o := PullOptions{Folder: dir, Include: []string{"*.h5", "original/*", "empty"}}
	p, err := testClient(t).Pull(t.Context(), Ref{ID: "org/name"}, o)
	require.NoError(t, err)
	require.Equal(t, []string{"empty", "original/config.json", "tf_model.h5"}, pullPaths(p))
	b, err := os.ReadFile(filepath.Join(dir, "tf_model.h5"))
	require.NoError(t, err)
	require.Equal(t, h.Files["tf_model.h5"], b)
	require.Empty(t, leftovers(t, dir))
	require.NoDirExists(t, filepath.Join(dir, partials))
	// A file of the same size with other bytes is not that file.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "tf_model.h5"), noise(1501)[:1500], 0o600))
	p, err = testClient(t).Pull(t.Context(), Ref{ID: "org/name"}, o)
	require.NoError(t, err)
	require.EqualValues(t, 1500, p.Fetched)
	require.NoDirExists(t, filepath.Join(os.Getenv("HF_HOME"), "hub"))
	_, err = testClient(t).Pull(t.Context(), Ref{ID: "org/name"}, PullOptions{Include: []string{"*.gguf"}})
	require.ErrorContains(t, err, `no file matches "*.gguf"`)
}

// A hub that misbehaves for a while: the files are right in the end.
func TestPullThroughTrouble(t *testing.T) {
	for name, trouble := range map[string]func(h *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool{
		"busy": func(_ *hubtest.Server, w http.ResponseWriter, _ *http.Request, n int) bool {
			w.Header().Set("Retry-After", "7")
			if n <= 5 {
				w.WriteHeader(http.StatusTooManyRequests)
			}
			return n <= 5
		},
		"broken": func(_ *hubtest.Server, w http.ResponseWriter, _ *http.Request, n int) bool {
			if n <= 5 {
				w.WriteHeader(http.StatusBadGateway)
			}
			return n <= 5
		},
		"ends early": func(h *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			var from, to int
			if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); err != nil || n%2 == 0 {
				return false
			}
			b := h.Files[r.URL.Path[1:]]
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(b)))
			w.Header().Set("Content-Length", fmt.Sprint(to+1-from))
			w.WriteHeader(http.StatusPartialContent)
			_, _ = w.Write(b[from : from+(to+1-from)/2])
			panic(http.ErrAbortHandler)
		},
		"another range": func(_ *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			if n <= 5 && r.Header.Get("Range") != "" {
				r.Header.Set("Range", "bytes=5-100")
			}
			return false
		},
		"another size": func(_ *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			if n > 5 || r.Header.Get("Range") == "" {
				return false
			}
			w.Header().Set("Content-Range", strings.Replace(r.Header.Get("Range"), "=", " ", 1)+"/99")
			w.WriteHeader(http.StatusPartialContent)
			return true
		},
		"another ETag": func(h *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			w.Header().Set("ETag", fmt.Sprintf(`"%d"`, min(n, 8)/4))
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(h.Files[r.URL.Path[1:]]))
			return true
		},
		"no ranges": func(_ *hubtest.Server, _ http.ResponseWriter, r *http.Request, _ int) bool {
			r.Header.Del("Range")
			return false
		},
		"no ranges, ends early": func(h *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			r.Header.Del("Range")
			b := h.Files[r.URL.Path[1:]]
			if n > 5 {
				return false
			}
			w.Header().Set("Content-Length", fmt.Sprint(len(b)))
			_, _ = w.Write(b[:len(b)/2])
			panic(http.ErrAbortHandler)
		},
		"silent": func(_ *hubtest.Server, w http.ResponseWriter, r *http.Request, n int) bool {
			if n == 2 {
				w.Header().Set("Content-Length", "100")
				w.Header().Set("Content-Range", strings.Replace(r.Header.Get("Range"), "=", " ", 1)+"/45678")
				w.WriteHeader(http.StatusPartialContent)
				w.(http.Flusher).Flush()
				<-r.Context().Done()
				return true
			}
			return false
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFakeHub(t, checkpoint())
			var mu sync.Mutex
			n := 0
			h.Before = func(w http.ResponseWriter, r *http.Request, onHost bool) bool {
				if !onHost && name != "busy" {
					return false
				}
				mu.Lock()
				n++
				i := n
				mu.Unlock()
				return trouble(h, w, r, i)
			}
			c := testClient(t)
			c.Stall = 50 * time.Millisecond
			p, err := c.Pull(t.Context(), Ref{ID: "org/name"}, PullOptions{})
			require.NoError(t, err)
			for _, f := range p.Files {
				b, err := os.ReadFile(filepath.Join(p.Folder, f.Path))
				require.NoError(t, err)
				require.True(t, bytes.Equal(h.Files[f.Path], b), f.Path)
			}
			require.Empty(t, leftovers(t, os.Getenv("HF_HOME")))
		})
	}
}

// What is wrong for good is said, and no file gets its name.
func TestPullFails(t *testing.T) {
	status := func(code int, word string) func(*hubtest.Server, http.ResponseWriter, *http.Request, bool) bool {
		return func(_ *hubtest.Server, w http.ResponseWriter, _ *http.Request, _ bool) bool {
			w.Header().Set("X-Error-Code", word)
			w.WriteHeader(code)
			return true
		}
	}
	for name, c := range map[string]struct {
		before func(h *hubtest.Server, w http.ResponseWriter, r *http.Request, onHost bool) bool
		files  map[string][]byte
		err    error
		says   string
	}{
		"gated":       {status(403, "GatedRepo"), nil, gguf.ErrEnvironment, "has to be asked for"},
		"no revision": {status(404, "RevisionNotFound"), nil, gguf.ErrInput, "has no revision main"},
		"no repo":     {status(401, "RepoNotFound"), nil, gguf.ErrInput, "there is no repository"},
		"always busy": {status(429, ""), nil, gguf.ErrEnvironment, "429 Too Many Requests; tried 6 times"},
		"no hub": {func(_ *hubtest.Server, w http.ResponseWriter, _ *http.Request, _ bool) bool {
			_, _ = w.Write([]byte("<html>"))
			return true
		}, nil, gguf.ErrInput, "the answer is not a hub's"},
		"no commit": {func(_ *hubtest.Server, w http.ResponseWriter, _ *http.Request, _ bool) bool {
			_, _ = w.Write([]byte(`{"sha": "../../x"}`))
			return true
		}, nil, gguf.ErrInput, `commit "../../x"`},
		"other bytes": {func(h *hubtest.Server, w http.ResponseWriter, r *http.Request, onHost bool) bool {
			if onHost && r.URL.Path == "/model.safetensors" {
				http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(noise(45_679)[:45_678]))
				return true
			}
			return false
		}, nil, gguf.ErrInput, "model.safetensors: its checksum is "},
		"other small bytes": {func(h *hubtest.Server, w http.ResponseWriter, r *http.Request, onHost bool) bool {
			if strings.HasSuffix(r.URL.Path, commit+"/config.json") {
				_, _ = w.Write([]byte(`{"a": 2}`))
				return true
			}
			return false
		}, nil, gguf.ErrInput, "config.json: its checksum is "},
		"other commit": {func(h *hubtest.Server, w http.ResponseWriter, r *http.Request, onHost bool) bool {
			if strings.Contains(r.URL.Path, "resolve") {
				w.Header().Set("X-Repo-Commit", strings.Repeat("f", 40))
				_, _ = w.Write([]byte("{}"))
				return true
			}
			return false
		}, nil, gguf.ErrInput, "its commit is ffff"},
		"other file": {func(h *hubtest.Server, w http.ResponseWriter, r *http.Request, onHost bool) bool {
			if strings.HasSuffix(r.URL.Path, commit+"/model.safetensors") {
				w.Header().Set("X-Linked-Etag", `"`+strings.Repeat("f", 64)+`"`)
				http.Redirect(w, r, h.Host.URL+"/model.safetensors", http.StatusFound)
				return true
			}
			return false
		}, nil, gguf.ErrInput, "its checksum is ffff"},
		"in a circle": {func(h *hubtest.Server, w http.ResponseWriter, r *http.Request, onHost bool) bool {
			http.Redirect(w, r, h.Hub.URL+"/x", http.StatusFound)
			return true
		}, nil, gguf.ErrEnvironment, "more than 10 redirects"},
		"hostile name": {nil, map[string][]byte{"model.safetensors": noise(10), "../config.json": {}}, nil, ""},
		"missing shard": {nil, map[string][]byte{"model.safetensors.index.json": []byte(`{"weight_map": {"a": "model-1.safetensors"}}`)},
			gguf.ErrInput, "lacks model-1.safetensors"},
		"hostile index": {nil, map[string][]byte{"model.safetensors.index.json": []byte(`{"weight_map": {"a": "../x.safetensors"}}`)},
			gguf.ErrInput, "is not a file of this folder"},
		"no weights": {nil, map[string][]byte{"config.json": {}, "model.onnx": {}}, gguf.ErrInput, "has no weights that carat reads"},
		"many GGUF":  {nil, map[string][]byte{"a-Q4_0.gguf": {}, "a-Q8_0.gguf": {}}, gguf.ErrInput, "2 GGUF files may be meant"},
	} {
		t.Run(name, func(t *testing.T) {
			files := c.files
			if files == nil {
				files = checkpoint()
			}
			h := newFakeHub(t, files)
			if c.before != nil {
				h.Before = func(w http.ResponseWriter, r *http.Request, onHost bool) bool { return c.before(h, w, r, onHost) }
			}
			_, err := testClient(t).Pull(t.Context(), Ref{ID: "org/name"}, PullOptions{})
			if c.err == nil {
				require.NoError(t, err) // the name is not among those that are fetched
				return
			}
			require.ErrorIs(t, err, c.err)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "secret")
			_, err = os.Lstat(filepath.Join(os.Getenv("HF_HOME"), "hub", "models--org--name", "refs", "main"))
			require.ErrorIs(t, err, os.ErrNotExist)
		})
	}
}

// Names that lead out of the folder, on some system, are refused if somebody asks for all files.
func TestHostileNames(t *testing.T) {
	for _, name := range []string{"../x", "/etc/x", `..\x`, `a\..\..\x`, "a/../../x", "C:x", "a//b", "./x", "a\x00b", "x/.."} {
		newFakeHub(t, map[string][]byte{name: []byte("x")})
		dir := filepath.Join(t.TempDir(), "in")
		_, err := testClient(t).Pull(t.Context(), Ref{ID: "org/name"}, PullOptions{Folder: dir, Include: []string{"*"}})
		require.ErrorContains(t, err, "could be written outside its folder", name)
		require.ErrorIs(t, err, gguf.ErrInput)
		require.NoDirExists(t, dir)
	}
}

// A run that is interrupted leaves what it has under another name, and the next one asks for the rest only.
func TestResume(t *testing.T) {
	h := newFakeHub(t, checkpoint())
	ctx, cancel := context.WithCancel(t.Context())
	var served atomic.Int32
	h.Before = func(w http.ResponseWriter, r *http.Request, onHost bool) bool {
		if !onHost || r.URL.Path != "/model.safetensors" {
			return false
		}
		if served.Add(1) == 3 {
			cancel()
			return true
		}
		return false
	}
	c := testClient(t)
	c.Connections = 1
	_, err := c.Pull(ctx, Ref{ID: "org/name"}, PullOptions{})
	require.ErrorIs(t, err, context.Canceled)
	require.NoFileExists(t, filepath.Join(os.Getenv("HF_HOME"), "hub", "models--org--name", "blobs", h.Sum("model.safetensors")))
	require.Contains(t, leftovers(t, os.Getenv("HF_HOME")), h.Sum("model.safetensors")+".carat-partial")
	h.Before = nil
	before := h.Count("host /model.safetensors")
	p, err := c.Pull(t.Context(), Ref{ID: "org/name"}, PullOptions{})
	require.NoError(t, err)
	require.Equal(t, 3, h.Count("host /model.safetensors")-before)
	b, err := os.ReadFile(filepath.Join(p.Folder, "model.safetensors"))
	require.NoError(t, err)
	require.True(t, bytes.Equal(h.Files["model.safetensors"], b))
	require.Empty(t, leftovers(t, os.Getenv("HF_HOME")))

	// What is left may be anything: the checksum has the last word, and all is fetched again.
	blob := filepath.Join(os.Getenv("HF_HOME"), "hub", "models--org--name", "blobs", h.Sum("model.safetensors"))
	require.NoError(t, os.Remove(blob))
	left := make([]byte, 45_678+8*5) // 5 ranges, each with the number of its bytes that there are
	binary.LittleEndian.PutUint64(left[45_678+8:], 1000)
	require.NoError(t, os.WriteFile(blob+".carat-partial", left, 0o600))
	_, err = c.Pull(t.Context(), Ref{ID: "org/name"}, PullOptions{})
	require.NoError(t, err)
	b, err = os.ReadFile(blob)
	require.NoError(t, err)
	require.True(t, bytes.Equal(h.Files["model.safetensors"], b))
}

// Another program that fetches the same file is waited for, and its file is taken.
func TestLock(t *testing.T) {
	h := newFakeHub(t, checkpoint())
	root := filepath.Join(os.Getenv("HF_HOME"), "hub")
	sum := h.Sum("model.safetensors")
	release, err := fetch.Lock(t.Context(), filepath.Join(root, ".locks", "models--org--name", sum+".lock"), nil)
	require.NoError(t, err)
	c := testClient(t)
	c.Note = func(s string) {
		require.Contains(t, s, "model.safetensors: waiting for another program")
		blob := filepath.Join(root, "models--org--name", "blobs", sum)
		require.NoError(t, os.MkdirAll(filepath.Dir(blob), 0o700))
		require.NoError(t, os.WriteFile(blob, h.Files["model.safetensors"], 0o600))
		release()
	}
	_, err = c.Pull(t.Context(), Ref{ID: "org/name"}, PullOptions{})
	require.NoError(t, err)
	require.Zero(t, h.Count("host /model.safetensors"))
}

func TestEnvironment(t *testing.T) {
	newFakeHub(t, nil)
	t.Setenv("HF_TOKEN", "")
	require.NoError(t, os.WriteFile(filepath.Join(os.Getenv("HF_HOME"), "token"), []byte("stored\n"), 0o600))
	c, err := NewClient()
	require.NoError(t, err)
	require.Equal(t, "stored", c.token)
	t.Setenv("HF_HUB_OFFLINE", "1")
	_, err = NewClient()
	require.ErrorIs(t, err, gguf.ErrEnvironment)
	require.ErrorContains(t, err, "HF_HUB_OFFLINE is set")
	t.Setenv("HF_HUB_OFFLINE", "0")
	t.Setenv("HF_ENDPOINT", "huggingface.co")
	_, err = NewClient()
	require.ErrorContains(t, err, "HF_ENDPOINT must be the address of a hub")
}
