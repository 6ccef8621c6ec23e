// Package hfcache knows how huggingface_hub lays out the models that it has downloaded:
//
//	ROOT/models--ORG--NAME/refs/main                  the commit that the branch was at
//	ROOT/models--ORG--NAME/snapshots/COMMIT/FILE      a link to the blob, or the file itself where there are no links
//	ROOT/models--ORG--NAME/blobs/HASH                 SHA-256 of a large file, git's SHA-1 of a small one
//	ROOT/.locks/models--ORG--NAME/HASH.lock           held while a blob is written
//
// A snapshot's folder is called after a commit: what a model is called stands in the name of the repository's folder.
package hfcache

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/internal/inputfile"
)

const (
	models    = "models--"
	snapshots = "snapshots"
)

// Home is where programs for the hub keep their files: $HF_HOME, or huggingface in the user's folder for caches.
func Home() (string, error) {
	if home := os.ExpandEnv(os.Getenv("HF_HOME")); home != "" {
		return expandUser(home)
	}
	if cache := os.Getenv("XDG_CACHE_HOME"); cache != "" {
		return expandUser(filepath.Join(cache, "huggingface"))
	}
	return expandUser(filepath.Join("~", ".cache", "huggingface")) // on every system
}

// Root is the folder of the cache: $HF_HUB_CACHE, or hub in Home.
func Root() (string, error) {
	if root := os.ExpandEnv(cmp.Or(os.Getenv("HF_HUB_CACHE"), os.Getenv("HUGGINGFACE_HUB_CACHE"))); root != "" {
		return expandUser(root)
	}
	home, err := Home()
	return filepath.Join(home, "hub"), err
}

func expandUser(path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && !os.IsPathSeparator(rest[0]) {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("%w: the folder of the hub's cache is not known: %w; set HF_HOME", inputfile.ErrInput, err)
	}
	return home + rest, nil
}

// Folder is the name of the folder of the repository id, which is ORG/NAME.
func Folder(id string) string { return models + strings.ReplaceAll(id, "/", "--") }

// Repository finds out of which repository and commit a snapshot's folder is; ok is false for other folders.
func Repository(dir string) (id, commit string, ok bool) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", "", false
	}
	parent := filepath.Dir(dir)
	name, isModel := strings.CutPrefix(filepath.Base(filepath.Dir(parent)), models)
	if !isModel || name == "" || filepath.Base(parent) != snapshots {
		return "", "", false
	}
	return strings.Replace(name, "--", "/", 1), filepath.Base(dir), true
}

// Name is what a file or folder is called: its own name, or that of the repository if it is a snapshot's folder.
func Name(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs // "." has a name too
	}
	if id, _, ok := Repository(path); ok {
		return id[strings.LastIndexByte(id, '/')+1:]
	}
	return filepath.Base(path)
}

// Within reports whether path is in the folder of a repository of a cache, whose files many programs share.
func Within(path string) bool {
	path, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	for dir := path; ; dir = filepath.Dir(dir) {
		if _, _, ok := Repository(dir); ok {
			return true
		}
		if strings.HasPrefix(filepath.Base(filepath.Dir(dir)), models) && filepath.Base(dir) == "blobs" {
			return true
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}
