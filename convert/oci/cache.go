package oci

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/opencontainers/go-digest"
)

// Models that are pulled without a folder of the user's lie in CacheRoot: HOST%2FNAME/sha256-DIGEST/ has the files of a manifest,
// HOST%2FNAME/tags/TAG the digest that the tag had when it was pulled.

// CacheRoot is the folder of pulled models: $CARAT_OCI_CACHE, or carat/oci in the user's cache folder.
func CacheRoot() (string, error) {
	if dir := os.Getenv("CARAT_OCI_CACHE"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", hint.Wrap(fmt.Errorf("%w: this user has no cache folder: %w", gguf.ErrEnvironment, err), "set CARAT_OCI_CACHE, or give -o DIR")
	}
	return filepath.Join(dir, "carat", "oci"), nil
}

// folder is that of all that was pulled of a repository.
func (r Ref) folder(root string) string {
	return filepath.Join(root, url.QueryEscape(r.Registry+"/"+r.Name))
}

// dir is that of a manifest's files.
func (r Ref) dir(root string, d digest.Digest) string {
	return filepath.Join(r.folder(root), d.Algorithm().String()+"-"+d.Encoded())
}

// keepTag notes what the tag was.
func (r Ref) keepTag(root, digest string) error {
	if r.Tag == "" {
		return nil
	}
	path := filepath.Join(r.folder(root), "tags", r.Tag)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return atomicfile.WriteFile(path, []byte(digest))
}

// Find returns where the model of a registry is in the cache: its GGUF file, the first one of a split, or the folder of a checkpoint.
// It never downloads. A model that is not there, or not whole, is bad input whose hint is the command that fetches it.
func Find(root string, r Ref) (string, error) {
	path, err := find(root, r)
	return path, hint.Wrap(err, "carat pull %s", r)
}

func find(root string, r Ref) (string, error) {
	d := digest.Digest(r.Digest)
	if d == "" {
		b, err := inputfile.ReadSmall(filepath.Join(r.folder(root), "tags", r.Tag), 1<<10)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		d = digest.Digest(strings.TrimSpace(string(b)))
	}
	if d.Validate() != nil {
		return "", fmt.Errorf("%w: %s: is not in the cache (%s)", gguf.ErrInput, r, root)
	}
	dir := r.dir(root, d)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == partials }) {
		return "", fmt.Errorf("%w: %s: is not in the cache, or not all of it (%s)", gguf.ErrInput, r, dir)
	}
	if err != nil {
		return "", err
	}
	return weightsIn(dir, r)
}

// weightsIn returns the GGUF file of a folder, or the folder.
func weightsIn(dir string, r Ref) (string, error) {
	var files []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		switch lower := strings.ToLower(name); {
		case err != nil:
			return err
		case d.IsDir() && (name == partials || name == attachedFolder):
			return fs.SkipDir
		case name == "config.json":
			files = append(files, ".")
		case strings.HasSuffix(lower, ".gguf") && !strings.Contains(lower, "mmproj") && !strings.Contains(lower, "adapter"):
			files = append(files, name)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	slices.SortFunc(files, func(a, b string) int { // GGUF files first
		return cmp.Or(cmp.Compare(len(filepath.Ext(b)), len(filepath.Ext(a))), cmp.Compare(a, b))
	})
	if len(files) == 0 {
		return "", fmt.Errorf("%w: %s: has no GGUF file and no config.json: %s", gguf.ErrInput, r, dir)
	}
	return filepath.Join(dir, filepath.FromSlash(files[0])), nil
}
