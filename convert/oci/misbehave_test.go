package oci

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/carat-llm/carat/convert/oci/ocitest"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/stretchr/testify/require"
)

// published is a registry with a model, and a client that asks it.
func published(t *testing.T) (*ocitest.Server, Ref, *Client, *gguf.File, *Artifact) {
	f := writeModel(t, false)
	s, r := start(t)
	c := client(t)
	a := artifact(t, f)
	push(t, c, r, a, f)
	return s, r, c, f, a
}

// weights reports whether a request is for the model's weights.
func weights(r *http.Request, a *Artifact) bool {
	return r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/blobs/"+string(a.Layers[0].Digest))
}

func TestWrongBytes(t *testing.T) {
	s, r, c, _, a := published(t)
	s.Blobs[string(a.Layers[0].Digest)] = bytes.Repeat([]byte{1}, int(a.Layers[0].Size))
	dir := t.TempDir()
	_, err := c.Pull(t.Context(), r, PullOptions{Folder: dir})
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "small-Q8_0.gguf: its digest is sha256:")
	require.NotContains(t, files(t, dir), "small-Q8_0.gguf")
	s.Blobs[string(a.Layers[0].Digest)] = []byte("short")
	_, err = c.Pull(t.Context(), r, PullOptions{Folder: dir})
	require.ErrorIs(t, err, gguf.ErrInput)
}

// TestCutOff: bodies that end early, and connections that break, are gone on with where they ended.
func TestCutOff(t *testing.T) {
	s, r, c, f, a := published(t)
	c.Chunk = 1 << 20
	var asked []string
	s.Before = func(w http.ResponseWriter, req *http.Request) bool {
		if !weights(req, a) {
			return false
		}
		asked = append(asked, req.Header.Get("Range"))
		if len(asked) > 2 {
			return false
		}
		b := s.Blobs[string(a.Layers[0].Digest)]
		from := 30_000 * (len(asked) - 1)
		if from > 0 {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(b)-1, len(b)))
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(b)-from))
		if from > 0 {
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = w.Write(b[from : from+30_000])
		return true // the server ends the connection, since bytes are missing
	}
	dir := t.TempDir()
	_, err := c.Pull(t.Context(), r, PullOptions{Folder: dir})
	require.NoError(t, err)
	last := a.Layers[0].Size - 1
	require.Equal(t, []string{"", fmt.Sprintf("bytes=30000-%d", last), fmt.Sprintf("bytes=60000-%d", last)}, asked)
	require.Equal(t, modelFiles(t, f), files(t, dir))
}

// TestResume: what an interrupted run has is not fetched again.
func TestResume(t *testing.T) {
	s, r, c, f, a := published(t)
	c.Connections = 1
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	s.Before = func(_ http.ResponseWriter, req *http.Request) bool {
		if weights(req, a) {
			if n++; n == 4 {
				cancel()
			}
		}
		return false
	}
	dir := t.TempDir()
	_, err := c.Pull(ctx, r, PullOptions{Folder: dir})
	require.ErrorIs(t, err, context.Canceled)
	require.NotContains(t, files(t, dir), "small-Q8_0.gguf")
	before := n
	p, err := c.Pull(t.Context(), r, PullOptions{Folder: dir})
	require.NoError(t, err)
	require.LessOrEqual(t, n-before, 9-3, "3 of 9 ranges were there")
	require.Equal(t, modelFiles(t, f), files(t, dir))
	require.NotZero(t, p.Fetched)
}

// TestNoRanges: a registry that sends blobs whole only.
func TestNoRanges(t *testing.T) {
	s, r, c, f, a := published(t)
	s.Before = func(w http.ResponseWriter, req *http.Request) bool {
		if weights(req, a) {
			_, _ = w.Write(s.Blobs[string(a.Layers[0].Digest)])
			return true
		}
		return false
	}
	dir := t.TempDir()
	_, err := c.Pull(t.Context(), r, PullOptions{Folder: dir})
	require.NoError(t, err)
	require.Equal(t, modelFiles(t, f), files(t, dir))
}

// TestToken: a token is got from the registry's service with the credentials of docker login, and only there.
func TestToken(t *testing.T) {
	f := writeModel(t, false)
	s, r := start(t)
	s.User, s.Password = "me", "secret"
	c := client(t)
	a := artifact(t, f)
	_, err := c.Push(t.Context(), r, a, PushOptions{Unchanged: f.Unchanged})
	require.ErrorIs(t, err, gguf.ErrEnvironment)
	require.ErrorContains(t, err, "the registry refuses access (401 Unauthorized")
	require.Contains(t, hint.Of(err), "docker login "+s.Host())
	login := func(password string) {
		b, err := json.Marshal(map[string]any{"auths": map[string]any{s.Host(): map[string]string{"auth": base64.StdEncoding.EncodeToString([]byte("me:" + password))}}})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), b, 0o600))
	}
	login("wrong")
	_, err = c.Push(t.Context(), r, a, PushOptions{Unchanged: f.Unchanged})
	require.ErrorIs(t, err, gguf.ErrEnvironment)
	require.NotContains(t, err.Error(), "wrong", "no password in messages")
	login("secret")
	push(t, c, r, a, f)

	// Blobs of a host that storage is rented from: it is not told the token.
	var told atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") != "" {
			told.Store(true)
		}
		http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(s.Blobs[string(a.Layers[0].Digest)]))
	}))
	defer elsewhere.Close()
	s.Before = func(w http.ResponseWriter, req *http.Request) bool {
		if weights(req, a) && req.Header.Get("Authorization") != "" {
			http.Redirect(w, req, elsewhere.URL+"/x?signature=long", http.StatusTemporaryRedirect)
			return true
		}
		return false
	}
	dir := t.TempDir()
	_, err = c.Pull(t.Context(), r, PullOptions{Folder: dir})
	require.NoError(t, err)
	require.Equal(t, modelFiles(t, f), files(t, dir))
	require.False(t, told.Load())
}

// TestBusy: 429 and 503 are tried again when the registry says, whatever was asked, and are the end when they stay.
func TestBusy(t *testing.T) {
	f := writeModel(t, false)
	s, r := start(t)
	c := client(t)
	var waits []time.Duration
	c.Pause = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
	refused := map[string]bool{}
	s.Before = func(w http.ResponseWriter, req *http.Request) bool {
		key := req.Method + " " + req.URL.Path
		if refused[key] {
			return false
		}
		refused[key] = true
		w.Header().Set("Retry-After", "7")
		ocitest.Refuse(w, http.StatusTooManyRequests, "TOOMANYREQUESTS", "slow down")
		return true
	}
	a, err := NewArtifact(t.Context(), f, Contents{})
	require.NoError(t, err)
	push(t, c, r, a, f)
	require.NotEmpty(t, waits)
	for _, d := range waits {
		require.Equal(t, 7*time.Second, d)
	}
	_, err = c.Pull(t.Context(), r, PullOptions{Folder: t.TempDir()})
	require.NoError(t, err)
	s.Before = func(w http.ResponseWriter, _ *http.Request) bool {
		ocitest.Refuse(w, http.StatusServiceUnavailable, "UNAVAILABLE", "")
		return true
	}
	_, err = c.Pull(t.Context(), r, PullOptions{Folder: t.TempDir()})
	require.ErrorIs(t, err, gguf.ErrEnvironment)
	require.ErrorContains(t, err, "503 Service Unavailable; tried 6 times")
}

func TestPushRefused(t *testing.T) {
	f := writeModel(t, false)
	s, r := start(t)
	c := client(t)
	a := artifact(t, f)
	attempt := func() error {
		_, err := c.Push(t.Context(), r, a, PushOptions{Unchanged: f.Unchanged})
		return err
	}
	s.Before = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/uploads/") {
			ocitest.Refuse(w, http.StatusRequestEntityTooLarge, "SIZE_INVALID", "at most 10 GB")
		} else if req.Method == http.MethodPost {
			w.Header().Set("Location", req.URL.Path+"one")
			w.WriteHeader(http.StatusAccepted)
		} else {
			return false
		}
		return true
	}
	require.ErrorContains(t, attempt(), "the registry does not take files of this size (413 Request Entity Too Large")
	s.Before = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPost {
			return false
		}
		w.Header().Set("Location", "http://127.0.0.2:1/steal")
		w.WriteHeader(http.StatusAccepted)
		return true
	}
	require.ErrorContains(t, attempt(), "is on a different host than the registry")
	s.Before = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPut && strings.Contains(req.URL.Path, "/manifests/") {
			ocitest.Refuse(w, http.StatusForbidden, "DENIED", "read-only\x1b[2J")
			return true
		}
		return false
	}
	err := attempt()
	require.ErrorIs(t, err, gguf.ErrEnvironment)
	require.ErrorContains(t, err, "the registry refuses access (403 Forbidden: denied: read-only")
	require.NotContains(t, err.Error(), "\x1b")
	require.Empty(t, s.Tags(), "no tag before all is there")

	// A connection that breaks while the weights are sent: they are sent again.
	broken := false
	s.Blobs = map[string][]byte{}
	s.Before = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPut && req.ContentLength == a.Layers[0].Size && !broken {
			broken = true
			_, _ = req.Body.Read(make([]byte, 1000))
			panic(http.ErrAbortHandler)
		}
		return false
	}
	var most int64
	_, err = c.Push(t.Context(), r, a, PushOptions{Unchanged: f.Unchanged, Progress: func(done, total int64) {
		require.LessOrEqual(t, done, total)
		most = max(most, done)
	}})
	require.NoError(t, err)
	require.True(t, broken)
	require.NotZero(t, most)

	changed := errors.New("changed")
	s.Manifests = map[string][]byte{}
	_, err = c.Push(t.Context(), r, a, PushOptions{Unchanged: func() error { return changed }})
	require.ErrorIs(t, err, changed)
	require.Empty(t, s.Tags())
}

func TestNotTLS(t *testing.T) {
	_, r, c, _, _ := published(t)
	no := false
	c.PlainHTTP = &no
	_, err := c.Pull(t.Context(), r, PullOptions{Folder: t.TempDir()})
	require.ErrorIs(t, err, gguf.ErrEnvironment)
	require.ErrorContains(t, err, "the registry does not speak TLS")
	require.Contains(t, hint.Of(err), "--plain-http")
}

// TestOversized: what is too large is not read.
func TestOversized(t *testing.T) {
	s, r, c, _, _ := published(t)
	huge := append([]byte(`{"layers":[]`), bytes.Repeat([]byte(" "), small)...)
	s.Manifest("org/small", "q8_0", "application/vnd.oci.image.manifest.v1+json", append(huge, '}'))
	_, err := c.Pull(t.Context(), r, PullOptions{Folder: t.TempDir()})
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "the manifest has 4194317 bytes, of at most 4194304")
	s.Manifest("org/small", "q8_0", "application/vnd.oci.image.manifest.v1+json", fmt.Appendf(nil,
		`{"schemaVersion":2,"layers":[{"mediaType":%q,"digest":%q,"size":%d}]}`, Weights, ocitest.Digest(nil), int64(1)<<60))
	before := s.Count("GET /v2/org/small/blobs")
	dir := filepath.Join(t.TempDir(), "new")
	_, err = c.Pull(t.Context(), r, PullOptions{Folder: dir})
	require.ErrorIs(t, err, atomicfile.ErrNoSpace)
	require.Equal(t, before, s.Count("GET /v2/org/small/blobs"), "nothing is fetched")
	require.NoDirExists(t, dir)
}

// TestManifests: what a manifest may say, and what is made of it.
func TestManifests(t *testing.T) {
	layer := func(mediaType string, annotations ...string) string {
		m := map[string]string{}
		for i := 0; i < len(annotations); i += 2 {
			m[annotations[i]] = annotations[i+1]
		}
		b, err := json.Marshal(map[string]any{"mediaType": mediaType, "digest": ocitest.Digest([]byte("x")), "size": 1, "annotations": m})
		require.NoError(t, err)
		return string(b)
	}
	const title, gguf3 = "org.opencontainers.image.title", "application/vnd.docker.ai.gguf.v3"
	for _, x := range []struct {
		name, mediaType, manifest, fails string
		files, unknown                   []string
	}{
		{name: "Docker Model Runner", manifest: layer(gguf3) + "," + layer("application/vnd.docker.ai.license") + "," + layer("application/vnd.docker.ai.license"), files: []string{"model.gguf", "LICENSE", "LICENSE-2"}},
		{name: "its splits", manifest: layer(gguf3) + "," + layer(gguf3), files: []string{"model-00001-of-00002.gguf", "model-00002-of-00002.gguf"}},
		{name: "Ollama", mediaType: dockerManifest, manifest: layer("application/vnd.ollama.image.model") + "," + layer("application/vnd.ollama.image.params"), files: []string{"model.gguf", "params.json"}},
		{name: "ORAS", manifest: layer("application/octet-stream", title, "a/b.gguf"), files: []string{"a/b.gguf"}},
		{name: "others", manifest: layer(Weights) + "," + layer("application/x-new"), files: []string{"model.gguf"}, unknown: []string{"application/x-new"}},
		{name: "only others", manifest: layer("application/x-new") + "," + layer("application/x-new"), fails: "its layers are of the media types application/x-new, and have no names"},
		{name: "nothing", manifest: "", fails: "the manifest has no layers"},
		{name: "archive", manifest: layer("application/vnd.cncf.model.weight.v1.tar", pathAnnotation, "m.gguf"), fails: "is an archive (application/vnd.cncf.model.weight.v1.tar)"},
		{name: "folder of ORAS", manifest: layer("application/x", title, "dir", unpack, "true"), fails: "is an archive"},
		{name: "container", manifest: layer("application/vnd.oci.image.layer.v1.tar+gzip"), fails: "is an archive"},
		{name: "twice", manifest: layer(Weights, title, "a.gguf") + "," + layer(Weights, title, "A.gguf"), fails: `two layers are called "a.gguf" and "A.gguf"`},
		{name: "file and folder", manifest: layer(Weights, title, "a") + "," + layer(Weights, title, "a/b"), fails: "two layers are called"},
		{name: "two names", manifest: layer(Weights, title, "../x", pathAnnotation, "a.gguf"), files: []string{"a.gguf"}},
		{name: "up", manifest: layer(Weights, title, "../x"), fails: `a layer is called "../x", which could be written outside its folder`},
		{name: "up within", manifest: layer(Weights, title, "a/../../x"), fails: "outside its folder"},
		{name: "absolute", manifest: layer(Weights, pathAnnotation, "/etc/x"), fails: "outside its folder"},
		{name: "under way", manifest: layer(Weights, pathAnnotation, ".Carat-Pull/x"), fails: "outside its folder"},
		{name: "drive", manifest: layer(Weights, pathAnnotation, `C:\x`), fails: "outside its folder"},
		{name: "index", mediaType: indexes[0], manifest: "", fails: "is an index of 0 manifests"},
		{name: "signature", mediaType: "application/x", manifest: layer(Weights), fails: `the manifest is of the media type "application/x"`},
		{name: "not JSON", manifest: "}", fails: "the manifest is not understood"},
		{name: "no digest", manifest: `{"mediaType":"` + Weights + `","digest":"sha256:x","size":1}`, fails: "no valid digest and size"},
		{name: "less than nothing", manifest: strings.Replace(layer(Weights), `"size":1`, `"size":-1`, 1), fails: "no valid digest and size"},
		{name: "more than there is", manifest: strings.Replace(layer(Weights, title, "a"), `"size":1`, `"size":9223372036854775807`, 1) + "," + layer(Weights, title, "b"), fails: "no valid digest and size"},
	} {
		t.Run(x.name, func(t *testing.T) {
			kind := x.mediaType
			if kind == "" {
				kind = manifests[0]
			}
			b := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"layers":[%s]}`, kind, x.manifest)
			files, unknown, err := model(document{descriptor(kind, b), b}, Ref{Registry: "h", Name: "n", Tag: "t"})
			if x.fails != "" {
				require.ErrorIs(t, err, gguf.ErrInput)
				require.ErrorContains(t, err, "oci://h/n:t: ")
				require.ErrorContains(t, err, x.fails)
				return
			}
			require.NoError(t, err)
			var names []string
			for _, f := range files {
				names = append(names, f.name)
			}
			require.Equal(t, x.files, names)
			require.Equal(t, x.unknown, unknown)
		})
	}
}

func TestFind(t *testing.T) {
	s, r, c, f, a := published(t)
	t.Setenv("CARAT_OCI_CACHE", t.TempDir())
	root, err := CacheRoot()
	require.NoError(t, err)
	_, err = Find(root, r)
	require.ErrorIs(t, err, gguf.ErrInput)
	require.Equal(t, "carat pull "+r.String(), hint.Of(err))
	s.Blobs[string(a.Layers[0].Digest)][5] ^= 1
	_, err = c.Pull(t.Context(), r, PullOptions{})
	require.ErrorContains(t, err, "its digest is")
	_, err = Find(root, r.At(string(a.Manifest.Digest)))
	require.ErrorContains(t, err, "or not all of it")
	s.Blobs[string(a.Layers[0].Digest)][5] ^= 1
	p, err := c.Pull(t.Context(), r, PullOptions{})
	require.NoError(t, err)
	for _, x := range []Ref{r, r.At(p.Digest)} {
		path, err := Find(root, x)
		require.NoError(t, err)
		require.Equal(t, filepath.Base(f.Paths()[0]), filepath.Base(path))
	}
	other := r
	other.Name = "org-small"
	_, err = Find(root, other)
	require.Error(t, err)
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","layers":[{"mediaType":"application/vnd.cncf.model.weight.v1.raw","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":1,"annotations":{"org.cncf.model.filepath":"a/b.gguf"}}]}`))
	f.Add([]byte(`{"layers":[{"mediaType":"application/vnd.docker.ai.gguf.v3","digest":"sha512:00","size":-1},{}]}`))
	f.Add([]byte(`{"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		files, _, err := model(document{descriptor(manifests[0], b), b}, Ref{Name: "x"})
		if err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
			return
		}
		dir := t.TempDir()
		seen := map[string]bool{}
		for _, x := range files {
			require.True(t, filepath.IsLocal(filepath.FromSlash(x.name)), x.name)
			require.NoError(t, x.Digest.Validate())
			require.GreaterOrEqual(t, x.Size, int64(0))
			for _, p := range []string{x.path(dir), x.temp(dir)} {
				require.False(t, seen[p], p)
				seen[p] = true
			}
		}
	})
}

func FuzzAttachments(f *testing.F) {
	f.Add(statement("00"))
	f.Add([]byte(`{"bomFormat":"CycloneDX","metadata":{"component":{"hashes":[{"alg":"SHA-256","content":"00"}]}}}`))
	f.Add([]byte(`{"payloadType":"application/vnd.in-toto+json","payload":"e30="}` + "\n{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := Attachments("x.intoto.jsonl", b)
		if err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
			return
		}
		for _, a := range all {
			require.NotEmpty(t, a.Type)
			require.True(t, filepath.IsLocal(a.Name), a.Name)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("oci://h:1/a/b:c")
	f.Add("oci:a/b:c")
	f.Fuzz(func(t *testing.T, s string) {
		r, ok, err := Parse(s)
		if err != nil || !ok {
			return
		}
		again, ok, err := Parse(r.String())
		require.NoError(t, err, r.String())
		require.True(t, ok)
		require.Equal(t, r, again)
	})
}

// TestForeignAttachment: who may attach to a model cannot put another one in its place.
func TestForeignAttachment(t *testing.T) {
	s, r, c, f, a := published(t)
	t.Setenv("CARAT_OCI_CACHE", t.TempDir())
	foreign := []byte("another model")
	s.Blobs[ocitest.Digest(foreign)] = foreign
	for i, name := range []string{"a.gguf", "small-Q8_0.gguf", "config.json"} {
		s.Manifest("org/small", fmt.Sprint("x", i), manifests[0], fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"layers":[{"mediaType":%q,"digest":%q,"size":%d,"annotations":{%q:%q}}],"subject":{"mediaType":%q,"digest":%q,"size":%d}}`,
			manifests[0], Weights, ocitest.Digest(foreign), len(foreign), pathAnnotation, name, manifests[0], a.Manifest.Digest, a.Manifest.Size))
	}
	p, err := c.Pull(t.Context(), r, PullOptions{Attached: true})
	require.NoError(t, err)
	require.Len(t, p.Files, len(a.Layers)+3)
	path, err := p.Model(r)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(p.Folder, filepath.Base(f.Paths()[0])), path)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotEqual(t, foreign, b)
}
