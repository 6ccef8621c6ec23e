package oci

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/carat-llm/carat/convert/oci/ocitest"
	"github.com/carat-llm/carat/gguf"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
	layouts "oras.land/oras-go/v2/content/oci"
)

// noise is n bytes that are the same everywhere.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// writeModel writes a model of two tensors, in as many files as there are.
func writeModel(t *testing.T, split bool) *gguf.File {
	path := filepath.Join(t.TempDir(), "small-Q8_0.gguf")
	md := &gguf.Metadata{}
	for _, kv := range []gguf.KV{
		{Key: "general.architecture", Value: "llama"}, {Key: "general.name", Value: "Small"}, {Key: "general.license", Value: "apache-2.0"},
		{Key: "general.organization", Value: "Org"}, {Key: "general.file_type", Value: uint32(7)}, {Key: "general.languages", Value: []string{"en", "deu"}},
	} {
		md.Append(kv.Key, kv.Value)
	}
	data, s := noise(80_000), gguf.Split{}
	if split {
		s.MaxTensors = 1
	}
	w, err := gguf.CreateSplit(path, md, []gguf.TensorInfo{{Name: "a", Type: gguf.F32, Shape: []int64{10_000}}, {Name: "b", Type: gguf.F32, Shape: []int64{10_000}}}, s)
	require.NoError(t, err)
	defer w.Abort()
	require.NoError(t, w.WriteAt(0, data[:40_000], 0))
	require.NoError(t, w.WriteAt(1, data[40_000:], 0))
	require.NoError(t, w.Commit())
	if split {
		path = gguf.SplitPath(strings.TrimSuffix(path, ".gguf"), 1, 2)
	}
	f, err := gguf.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	return f
}

func artifact(t *testing.T, f *gguf.File, attachments ...Attachment) *Artifact {
	a, err := NewArtifact(t.Context(), f, Contents{
		Files:       []File{{"LICENSE", Doc, []byte("as you like")}, {"chat_template.jinja", WeightsConfig, []byte("{{ messages }}")}},
		Attachments: attachments, Annotations: map[string]string{ocispec.AnnotationSource: "https://example.com/source"},
	})
	require.NoError(t, err)
	return a
}

// client does not wait, and has small ranges; there are no credentials of this machine.
func client(t *testing.T) *Client {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	c := NewClient()
	c.Chunk = 10_000
	c.Pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return c
}

func start(t *testing.T) (*ocitest.Server, Ref) {
	s := ocitest.Start()
	t.Cleanup(s.Close)
	return s, ref(t, "oci://"+s.Host()+"/org/small:q8_0")
}

func ref(t *testing.T, s string) Ref {
	r, ok, err := Parse(s)
	require.NoError(t, err)
	require.True(t, ok)
	return r
}

func push(t *testing.T, c *Client, r Ref, a *Artifact, f *gguf.File) *Pushed {
	p, err := c.Push(t.Context(), r, a, PushOptions{Unchanged: f.Unchanged})
	require.NoError(t, err)
	return p
}

// files are the names of all files below a folder, with what they hold.
func files(t *testing.T, dir string) map[string]string {
	all := map[string]string{}
	require.NoError(t, fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var b []byte
			b, err = os.ReadFile(filepath.Join(dir, path))
			all[path] = string(b)
		}
		return err
	}))
	return all
}

// modelFiles are those of the model itself.
func modelFiles(t *testing.T, f *gguf.File) map[string]string {
	all := map[string]string{"LICENSE": "as you like", "chat_template.jinja": "{{ messages }}"}
	for _, p := range f.Paths() {
		b, err := os.ReadFile(p)
		require.NoError(t, err)
		all[filepath.Base(p)] = string(b)
	}
	return all
}

func statement(sha string) []byte {
	return fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"m","digest":{"sha256":%q}}],"predicateType":"https://in-toto.io/attestation/test-result/v0.1","predicate":{}}`, sha)
}

func attachments(t *testing.T, name string, content []byte) []Attachment {
	a, err := Attachments(name, content)
	require.NoError(t, err)
	return a
}

func sumOf(t *testing.T, f *gguf.File) string {
	var sums []gguf.FileHash
	for _, p := range f.Paths() {
		h, err := gguf.HashFile(p)
		require.NoError(t, err)
		sums = append(sums, h)
	}
	return gguf.TogetherSHA256(sums)
}

// TestManifest: what other clients read, to the byte.
func TestManifest(t *testing.T) {
	f := writeModel(t, false)
	a := artifact(t, f)
	require.JSONEq(t, `{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "application/vnd.cncf.model.manifest.v1+json",
		"config": {"mediaType": "application/vnd.cncf.model.config.v1+json", "digest": "`+string(a.blobs[3].Digest)+`", "size": `+fmt.Sprint(a.blobs[3].Size)+`},
		"layers": [
			{"mediaType": "application/vnd.cncf.model.weight.v1.raw", "digest": "sha256:`+sumOf(t, f)+`", "size": `+fmt.Sprint(a.blobs[0].Size)+`,
			 "annotations": {"org.cncf.model.filepath": "small-Q8_0.gguf", "org.opencontainers.image.title": "small-Q8_0.gguf"}},
			{"mediaType": "application/vnd.cncf.model.doc.v1.raw", "digest": "sha256:5350c386107a0595534a23c027a90ed70350bc2b24905b05d31f932f4f5fe2d0", "size": 11,
			 "annotations": {"org.cncf.model.filepath": "LICENSE", "org.opencontainers.image.title": "LICENSE"}},
			{"mediaType": "application/vnd.cncf.model.weight.config.v1.raw", "digest": "sha256:f24189f08c85a1eb19a737306c3a13e85462ee33d964f28108d64a2485fa2171", "size": 14,
			 "annotations": {"org.cncf.model.filepath": "chat_template.jinja", "org.opencontainers.image.title": "chat_template.jinja"}}],
		"annotations": {"org.opencontainers.image.title": "Small", "org.opencontainers.image.vendor": "Org", "org.opencontainers.image.licenses": "apache-2.0",
			"org.opencontainers.image.source": "https://example.com/source"}}`, string(a.manifests[0].content))
	require.JSONEq(t, `{
		"descriptor": {"vendor": "Org", "family": "llama", "name": "Small", "licenses": ["apache-2.0"]},
		"config": {"architecture": "llama", "format": "gguf", "paramSize": "20K", "quantization": "Q8_0", "capabilities": {"inputTypes": ["text"], "outputTypes": ["text"], "languages": ["en"]}},
		"modelfs": {"type": "layers", "diffIds": ["`+string(a.Layers[0].Digest)+`", "`+string(a.Layers[1].Digest)+`", "`+string(a.Layers[2].Digest)+`"]}}`, string(a.blobs[3].content))
	require.Equal(t, a.Manifest, artifact(t, f).Manifest, "the same model has the same digest")
}

// TestRegistry: pushed and pulled, with what refers to the model, from a registry that lists this and from one that does not.
func TestRegistry(t *testing.T) {
	for _, split := range []bool{false, true} {
		for _, referrers := range []bool{false, true} {
			t.Run(fmt.Sprintf("split %v, referrers %v", split, referrers), func(t *testing.T) {
				f := writeModel(t, split)
				s, r := start(t)
				s.Referrers = referrers
				c := client(t)
				said := attachments(t, "small.intoto.jsonl", append(statement(sumOf(t, f)), '\n'))
				bom := attachments(t, "bom.json", []byte(`{"bomFormat":"CycloneDX","metadata":{"component":{"hashes":[{"alg":"SHA-256","content":"`+sumOf(t, f)+`"}]}}}`))
				a := artifact(t, f, append(said, bom...)...)
				p := push(t, c, r, a, f)
				require.Equal(t, p.Bytes, p.Sent)
				tags := []string{"org/small:q8_0"}
				if !referrers {
					tags = append(tags, "org/small:"+strings.Replace(string(a.Manifest.Digest), ":", "-", 1))
				}
				require.ElementsMatch(t, tags, s.Tags())
				again := push(t, c, r, a, f)
				require.Zero(t, again.Sent, "all is there already")

				dir := filepath.Join(t.TempDir(), "pulled")
				got, err := c.Pull(t.Context(), r, PullOptions{Folder: dir})
				require.NoError(t, err)
				require.Equal(t, string(a.Manifest.Digest), got.Digest)
				require.Equal(t, modelFiles(t, f), files(t, dir))
				got, err = c.Pull(t.Context(), r.At(got.Digest), PullOptions{Folder: dir, Attached: true})
				require.NoError(t, err)
				require.Len(t, got.Files, len(a.Layers)+2)
				require.Equal(t, len(said[0].Content)+len(bom[0].Content), int(got.Fetched), "the model was there")
				all := modelFiles(t, f)
				all["attached/small.intoto.jsonl"], all["attached/bom.json"] = string(said[0].Content), string(bom[0].Content)
				require.Equal(t, all, files(t, dir))
			})
		}
	}
}

// TestLayout: as TestRegistry; and ORAS's own reader takes the folder.
func TestLayout(t *testing.T) {
	f := writeModel(t, true)
	dir := filepath.Join(t.TempDir(), "layout")
	c := client(t)
	a := artifact(t, f, attachments(t, "small.intoto.json", statement(sumOf(t, f)))...)
	r := ref(t, "oci:"+dir+":one")
	push(t, c, r, a, f)
	before := files(t, dir)
	require.Zero(t, push(t, c, r, a, f).Sent)
	require.Equal(t, before, files(t, dir), "the same again changes nothing")
	push(t, c, ref(t, "oci:"+dir), artifact(t, writeModel(t, false)), f)
	require.Len(t, files(t, dir), len(before)+3, "another model's weights, config and manifest")

	store, err := layouts.NewFromFS(t.Context(), os.DirFS(dir))
	require.NoError(t, err)
	d, err := store.Resolve(t.Context(), "one")
	require.NoError(t, err)
	require.Equal(t, a.Manifest.Digest, d.Digest)
	refer, err := store.Predecessors(t.Context(), d)
	require.NoError(t, err)
	require.Len(t, refer, 1)
	require.Equal(t, a.Attached[0].Manifest.Digest, refer[0].Digest)

	out := t.TempDir()
	_, err = c.Pull(t.Context(), r, PullOptions{Folder: out})
	require.NoError(t, err)
	require.Equal(t, modelFiles(t, f), files(t, out))

	_, err = c.Pull(t.Context(), ref(t, "oci:"+dir+":two"), PullOptions{Folder: out})
	require.ErrorContains(t, err, "the layout has no such manifest")
	require.NoError(t, os.WriteFile(blobPath(dir, a.Layers[0].Digest), bytes.Repeat([]byte{1}, int(a.Layers[0].Size)), 0o600))
	out = t.TempDir()
	_, err = c.Pull(t.Context(), r, PullOptions{Folder: out})
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, "its digest is")
	require.NotContains(t, files(t, out), a.Layers[0].Annotations[pathAnnotation])
}

func TestLayoutElsewhere(t *testing.T) {
	f, c := writeModel(t, false), client(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x"), nil, 0o600))
	_, err := c.Push(t.Context(), ref(t, "oci:"+dir), artifact(t, f), PushOptions{Unchanged: f.Unchanged})
	require.ErrorContains(t, err, "the folder is no OCI layout (it has x)")
	_, err = c.Pull(t.Context(), ref(t, "oci:"+filepath.Join(dir, "none")), PullOptions{Folder: dir})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Equal(t, map[string]string{"x": ""}, files(t, dir))
}

func TestParse(t *testing.T) {
	d := ocitest.Digest(nil)
	for s, want := range map[string]Ref{
		"oci://ghcr.io/me/m:q4_k_m": {"ghcr.io", "me/m", "q4_k_m", ""},
		"oci://localhost:5000/m":    {"localhost:5000", "m", "latest", ""},
		"oci://[::1]:5000/m":        {"[::1]:5000", "m", "latest", ""},
		"oci://h/m@" + d:            {"h", "m", "", d},
		"oci:dir":                   {"", "dir", "latest", ""},
		"oci:/a/b.c:v1":             {"", "/a/b.c", "v1", ""},
		`oci:C:\a\b`:                {"", `C:\a\b`, "latest", ""},
		"oci:dir@" + d:              {"", "dir", "", d},
	} {
		r, ok, err := Parse(s)
		require.NoError(t, err, s)
		require.True(t, ok, s)
		require.Equal(t, want, r, s)
		again, _, err := Parse(r.String())
		require.NoError(t, err, s)
		require.Equal(t, r, again, s)
	}
	for _, s := range []string{"oci://", "oci://h", "oci://h/M", "oci://h/../x", "oci://h/m:", "oci://h/m@sha256:1", "oci:", "oci:d:", "oci:d@x", "oci:d:a b", "oci://h/m:a/b"} {
		_, ok, err := Parse(s)
		require.ErrorIs(t, err, gguf.ErrInput, s)
		require.False(t, ok, s)
	}
	_, ok, err := Parse("org/name")
	require.NoError(t, err)
	require.False(t, ok)
	for host, want := range map[string]bool{"localhost": true, "localhost:1": true, "127.0.0.1:5000": true, "[::1]:5000": true, "10.0.0.1": false, "localhost.example.com": false} {
		require.Equal(t, want, loopback(host), host)
	}
}

func TestAttachments(t *testing.T) {
	one := statement("00")
	two := bytes.Replace(one, []byte("https://in-toto.io/attestation/test-result/v0.1"), []byte("https://slsa.dev/provenance/v1"), 1)
	a := attachments(t, "dir/m.intoto.jsonl", bytes.Join([][]byte{one, two, two, nil}, []byte("\n")))
	require.Len(t, a, 3)
	require.Equal(t, []string{"m.test-result.intoto.json", "m.provenance.intoto.json", "m.provenance.3.intoto.json"}, []string{a[0].Name, a[1].Name, a[2].Name})
	envelope, err := json.Marshal(map[string]any{"payloadType": inToto, "payload": one, "signatures": []any{}})
	require.NoError(t, err)
	for content, want := range map[string]string{
		string(envelope): dsse, `{"spdxVersion":"SPDX-2.3"}`: spdx, `{"runs":[{}]}`: sarif,
		`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}`: "application/vnd.dev.sigstore.bundle.v0.3+json",
	} {
		a := attachments(t, "x.json", []byte(content))
		require.Equal(t, want, a[0].Type)
	}
	for content, want := range map[string]string{
		"{}": "is nothing that is attached", "": "line 1", "[1]": "is nothing", `{"_type":"https://in-toto.io/Statement/v1","predicateType":"x"}`: "without a subject",
		`{"payloadType":"application/vnd.in-toto+json","payload":"!"}`: "not base64", `{"payloadType":"application/vnd.in-toto+json","payload":"e30="}`: "no in-toto statement",
		string(one) + "\n{}": "line 2",
	} {
		_, err := Attachments("x", []byte(content))
		require.ErrorIs(t, err, gguf.ErrInput, content)
		require.ErrorContains(t, err, want, content)
	}
	f := writeModel(t, false)
	_, err = NewArtifact(t.Context(), f, Contents{Attachments: attachments(t, "x.json", one)})
	require.ErrorContains(t, err, "x.json: is about another model")
}

func TestParamSize(t *testing.T) {
	require.Equal(t, "20K", paramSize(writeModel(t, false)))
}
