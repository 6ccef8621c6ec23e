package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/convert/hub/hubtest"
	"github.com/carat-llm/carat/convert/oci/ocitest"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

// hubOf starts a hub whose org/name has the files of a folder, and more.
func hubOf(dir string, more map[string][]byte) (*hubtest.Server, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if more[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return hubtest.Start(more), nil
}

// startHub has this process use a hub with the tiny model.
func startHub(t *testing.T) {
	h, err := hubOf(tiny, map[string][]byte{})
	require.NoError(t, err)
	t.Cleanup(h.Close)
	t.Setenv("HF_ENDPOINT", h.Hub.URL)
	t.Setenv("HF_TOKEN", hubtest.Token)
	t.Setenv("HF_HOME", t.TempDir())
	t.Setenv("HF_HUB_CACHE", "")
	t.Setenv("HF_HUB_OFFLINE", "")
}

// hub serves $TINY as org/name, with a GGUF file m-Q8_0.gguf, until the script ends.
func serveHub(ts *testscript.TestScript, _ bool, _ []string) {
	h, err := hubOf(ts.Getenv("TINY"), map[string][]byte{"m-Q8_0.gguf": []byte(ts.ReadFile("q8.gguf")), "tf_model.h5": make([]byte, 2000)})
	ts.Check(err)
	ts.Defer(h.Close)
	ts.Setenv("HF_ENDPOINT", h.Hub.URL)
	ts.Setenv("HF_TOKEN", hubtest.Token)
}

// registry serves a registry of containers at $REGISTRY, for me with the password secret, until the script ends.
func serveRegistry(ts *testscript.TestScript, _ bool, _ []string) {
	r := ocitest.Start()
	r.User, r.Password = "me", "secret"
	ts.Defer(r.Close)
	ts.Setenv("REGISTRY", r.Host())
}
