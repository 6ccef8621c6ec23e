package hub

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hfcache"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
)

// Needs says how much of a checkpoint has to be there.
type Needs int

const (
	All    Needs = iota // configuration, tokenizer and weights
	Vocab               // all but the weights
	Config              // config.json
)

var commitName = regexp.MustCompile(`^[0-9a-f]{40}$`)

// Find returns where a model is in the cache below root: its folder, or the GGUF file that r names. It never downloads. A model
// that is not there, or not whole, is bad input whose hint is the command that fetches it.
func Find(root string, r Ref, needs Needs) (string, error) {
	dir, err := snapshot(root, r)
	if err != nil {
		return "", pullHint(r, err)
	}
	if r.File == "" && !exists(dir, "config.json") && !exists(dir, "adapter_config.json") {
		files := ggufFiles(dir)
		if len(files) == 0 {
			return "", pullHint(r, fmt.Errorf("%w: %s: its folder in the hub cache has no config.json: %s", gguf.ErrInput, r, dir))
		}
		return findGGUF(dir, r, files)
	}
	if r.File != "" {
		return findGGUF(dir, r, ggufFiles(dir))
	}
	if missing := incomplete(dir, needs); missing != "" {
		return "", pullHint(r, fmt.Errorf("%w: %s: its folder in the hub cache lacks %s: %s", gguf.ErrInput, r, missing, dir))
	}
	return dir, nil
}

func pullHint(r Ref, err error) error { return hint.Wrap(err, "carat pull %s", r) }

// snapshot is the folder of a revision.
func snapshot(root string, r Ref) (string, error) {
	repo := filepath.Join(root, hfcache.Folder(r.ID))
	commit := r.revision()
	if !commitName.MatchString(commit) {
		b, err := inputfile.ReadSmall(filepath.Join(repo, "refs", filepath.FromSlash(commit)), 1<<10)
		if errors.Is(err, fs.ErrNotExist) {
			return "", absent(root, repo, r)
		}
		if err != nil {
			return "", err
		}
		if commit = strings.TrimSpace(string(b)); !commitName.MatchString(commit) {
			return "", fmt.Errorf("%w: %s: expected the 40 hexadecimal digits of a commit (got %q)", gguf.ErrInput, filepath.Join(repo, "refs", r.revision()), commit)
		}
	}
	dir := filepath.Join(repo, "snapshots", commit)
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return "", absent(root, repo, r)
	}
	return dir, nil
}

func absent(root, repo string, r Ref) error {
	if st, err := os.Stat(repo); err == nil && st.IsDir() {
		return fmt.Errorf("%w: %s: no such file or folder, and the hub cache (%s) has no revision %s of %s", gguf.ErrInput, r, root, r.revision(), r.ID)
	}
	return fmt.Errorf("%w: %s: no such file or folder, and not in the hub cache (%s)", gguf.ErrInput, r, root)
}

// tokenizers are the files of which a checkpoint has at least one.
var tokenizers = []string{"tokenizer.json", "tokenizer.model", "spiece.model", "vocab.txt", "vocab.json", "tekken.json", "tiktoken.model", "qwen.tiktoken"}

// incomplete names a file that a checkpoint needs and a snapshot lacks: other programs fetch file by file. "" is none.
func incomplete(dir string, needs Needs) string {
	if !exists(dir, "config.json") {
		if exists(dir, "adapter_config.json") && !exists(dir, "adapter_model.safetensors") && !exists(dir, "adapter_model.bin") {
			return "adapter_model.safetensors"
		}
		return ""
	}
	if needs == Config {
		return ""
	}
	if !slices.ContainsFunc(tokenizers, func(name string) bool { return exists(dir, name) }) {
		return "the tokenizer"
	}
	if needs == Vocab {
		return ""
	}
	return missingWeights(dir)
}

func missingWeights(dir string) string {
	if exists(dir, "pytorch_model.bin") || exists(dir, "pytorch_model.bin.index.json") {
		return "" // who opens them says what is missing
	}
	names, err := safetensors.List(dir)
	if err != nil {
		return "weights"
	}
	for _, name := range names {
		if !exists(dir, name) {
			return name
		}
	}
	return ""
}

// exists reports whether there is a file; a link whose blob is gone is none.
func exists(dir, name string) bool {
	st, err := os.Stat(filepath.Join(dir, name))
	return err == nil && st.Mode().IsRegular()
}

// ggufFiles lists the GGUF files of a snapshot by their names with slashes, sorted.
func ggufFiles(dir string) (names []string) {
	_ = fs.WalkDir(os.DirFS(dir), ".", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(strings.ToLower(name), ".gguf") && exists(dir, filepath.FromSlash(name)) {
			names = append(names, name)
		}
		return nil
	})
	slices.Sort(names)
	return names
}

func findGGUF(dir string, r Ref, have []string) (string, error) {
	names, err := chooseGGUF(r, have)
	if err != nil {
		return "", pullHint(r, fmt.Errorf("%w: in the hub cache: %s", err, dir))
	}
	return filepath.Join(dir, filepath.FromSlash(names[0])), nil
}
