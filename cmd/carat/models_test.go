package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"
)

// shared are files of the embedded checkpoint. Each is built once, by the first test that wants it; nothing may change
// them.
var shared struct {
	sync.Mutex
	dir   string
	built map[string]bool
}

// tinyModel is the file of one type.
func tinyModel(typ string) (string, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.dir == "" {
		dir, err := os.MkdirTemp("", "carat-models-")
		if err != nil {
			return "", err
		}
		shared.dir, shared.built = dir, map[string]bool{}
	}
	file := filepath.Join(shared.dir, typ+".gguf")
	if shared.built[typ] {
		return file, nil
	}
	var stderr bytes.Buffer
	args := []string{"carat", "build", tiny, "--type", typ, "-o", file, "--quiet"}
	if code := run(context.Background(), args, streams{&bytes.Buffer{}, &bytes.Buffer{}, &stderr}); code != 0 {
		return "", fmt.Errorf("%v: exit code %d: %s", args, code, &stderr)
	}
	shared.built[typ] = true
	return file, nil
}

// tinyFiles are the files of several types.
func tinyFiles(t *testing.T, types ...string) (files []string) {
	t.Helper()
	for _, typ := range types {
		file, err := tinyModel(typ)
		require.NoError(t, err)
		files = append(files, file)
	}
	return files
}

// model TYPE FILE makes FILE a copy of the embedded checkpoint in that type, in place of `carat build $TINY`.
func copyModel(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: model TYPE FILE")
	}
	from, err := tinyModel(args[0])
	ts.Check(err)
	b, err := os.ReadFile(from)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o600))
}

// swept removes the models when all tests are through.
type swept struct{ *testing.M }

func (s swept) Run() int {
	_ = os.Setenv("CARAT_CONFIG", "none") // the defaults of whoever runs the tests
	defer func() {
		if shared.dir != "" {
			_ = os.RemoveAll(shared.dir)
		}
	}()
	return s.M.Run()
}
