package hub

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/convert/fetch"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
)

// Choose lists the files of a repository that carat reads: those that match one of include, if there are any; the GGUF files
// that r means; or else a checkpoint's, weights as safetensors, or PyTorch's where there are none. It may read the index of
// the weights.
func (c *Client) Choose(ctx context.Context, repo *Repo, include []string) ([]File, error) {
	names, err := c.choose(ctx, repo, include)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, f := range repo.Files {
		if !slices.Contains(names, f.Path) || slices.ContainsFunc(files, func(have File) bool { return have.Path == f.Path }) {
			continue
		}
		if err := f.check(repo.Ref); err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, nil
}

func (c *Client) choose(ctx context.Context, repo *Repo, include []string) ([]string, error) {
	r, all := repo.Ref, repo.names()
	var ggufs []string
	for _, name := range all {
		if strings.HasSuffix(strings.ToLower(name), ".gguf") {
			ggufs = append(ggufs, name)
		}
	}
	slices.Sort(ggufs)
	switch {
	case len(include) > 0:
		return matching(r, all, include)
	case r.File != "":
		return chooseGGUF(r, ggufs)
	}
	weights, err := c.weights(ctx, repo)
	if err != nil {
		return nil, err
	}
	if len(weights) == 0 && len(ggufs) > 0 {
		names, err := chooseGGUF(r, ggufs)
		return names, hint.Wrap(err, "carat pull %s:%s", r, ggufs[0])
	}
	if len(weights) == 0 {
		return nil, hint.Wrap(fmt.Errorf("%w: %s: the repository has no weights that carat reads, as model.safetensors or GGUF files: it has %s", gguf.ErrInput, r, shortList(all)),
			"--include GLOB fetches files by their names")
	}
	for _, name := range all {
		if convert.ReadsBeside(name) {
			weights = append(weights, name)
		}
	}
	return weights, nil
}

func (r *Repo) names() []string {
	names := make([]string, len(r.Files))
	for i, f := range r.Files {
		names[i] = f.Path
	}
	return names
}

func (r *Repo) file(name string) (File, bool) {
	i := slices.IndexFunc(r.Files, func(f File) bool { return f.Path == name })
	if i < 0 {
		return File{}, false
	}
	return r.Files[i], true
}

// weights lists the files of a checkpoint's weights, or of an adapter's.
func (c *Client) weights(ctx context.Context, repo *Repo) ([]string, error) {
	for _, format := range []struct{ prefix, ext string }{{"model", ".safetensors"}, {"pytorch_model", ".bin"}} {
		whole, index := format.prefix+format.ext, format.prefix+format.ext+".index.json"
		if f, ok := repo.file(index); ok {
			names, err := c.indexed(ctx, repo, f)
			return append(names, index), err
		}
		if _, ok := repo.file(whole); ok {
			return []string{whole}, nil
		}
		var names []string
		for _, name := range repo.names() {
			if strings.HasPrefix(name, format.prefix) && strings.HasSuffix(name, format.ext) && !strings.Contains(name, "/") {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			return names, nil
		}
	}
	for _, name := range []string{"adapter_model.safetensors", "adapter_model.bin"} {
		if _, ok := repo.file(name); ok {
			return []string{name}, nil
		}
	}
	return nil, nil
}

// indexed lists the files that an index names.
func (c *Client) indexed(ctx context.Context, repo *Repo, index File) ([]string, error) {
	if err := index.check(repo.Ref); err != nil {
		return nil, err
	}
	if index.Size > safetensors.MaxIndex {
		return nil, fmt.Errorf("%w: %s: %s has %d bytes, but an index can have at most %d", gguf.ErrInput, repo.Ref, index.Path, index.Size, safetensors.MaxIndex)
	}
	var b []byte
	err := c.Again(ctx, index.Path, func() (_ bool, err error) {
		if b, err = c.read(ctx, c.address(repo, index), index.Size); err != nil {
			return false, err
		}
		if err = index.verify(bytes.NewReader(b)); err != nil {
			return false, fetch.Final(err)
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	names, err := safetensors.IndexFiles(b, index.Path)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, ok := repo.file(name); !ok {
			return nil, fmt.Errorf("%w: %s: the repository lacks %s, which %s names", gguf.ErrInput, repo.Ref, name, index.Path)
		}
	}
	return names, nil
}

// matching lists the names that match one of the patterns, in which * stands for any text, with slashes in it too, as in
// huggingface_hub's. A pattern without a slash may match the last part alone.
func matching(r Ref, names, patterns []string) (found []string, err error) {
	for _, p := range patterns {
		re, err := glob(p)
		if err != nil {
			return nil, err
		}
		n := len(found)
		for _, name := range names {
			if re.MatchString(name) || !strings.Contains(p, "/") && re.MatchString(path.Base(name)) {
				found = append(found, name)
			}
		}
		if len(found) == n {
			return nil, fmt.Errorf("%w: %s: no file matches %q: the repository has %s", gguf.ErrInput, r, p, shortList(names))
		}
	}
	return found, nil
}

func glob(pattern string) (*regexp.Regexp, error) {
	q := regexp.QuoteMeta(pattern)
	q = strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(q)
	re, err := regexp.Compile(`^(?s:` + q + `)$`)
	if err != nil {
		return nil, fmt.Errorf("%w: the pattern %q: %w", gguf.ErrInput, pattern, err)
	}
	return re, nil
}
