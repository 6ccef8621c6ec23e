package publish

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/hint"
)

// LMStudio plans a model in LM Studio's folder of models, as PUBLISHER/MODEL/file.gguf, which is how it lists them. name is
// PUBLISHER/MODEL; without one they are the model's own, and "local" where it names no organization. A file of that name
// that is there already is an error that wraps ErrExists, unless replace.
func LMStudio(f *gguf.File, models, name string, replace bool) (*Plan, error) {
	if name == "" {
		name = LMStudioName(f)
	}
	publisher, model, ok := strings.Cut(name, "/")
	if !ok || !part.MatchString(publisher) || !part.MatchString(model) {
		return nil, fmt.Errorf("%w: %q is not a valid LM Studio model name: expected PUBLISHER/MODEL of letters, digits, and _ . - within", gguf.ErrInput, name)
	}
	p := &Plan{}
	if err := p.Models(f, filepath.Join(models, publisher, model)); err != nil {
		return nil, err
	}
	return p, p.free(replace)
}

// LMStudioName makes PUBLISHER/MODEL of a model's metadata.
func LMStudioName(f *gguf.File) string {
	organization, _ := f.Metadata().String("general.organization")
	model, _, _ := strings.Cut(OllamaDefaultName(f), ":")
	return cmp.Or(clean(organization), "local") + "/" + model + "-gguf"
}

// Models adds all files of a model.
func (p *Plan) Models(f *gguf.File, dir string) error {
	for _, path := range f.Paths() {
		st, err := os.Stat(path)
		if err != nil {
			return err
		}
		p.Files = append(p.Files, File{Path: filepath.Join(dir, filepath.Base(path)), Source: path, Bytes: st.Size()})
	}
	return nil
}

// free requires that no file is there whose name is wanted, unless they may be replaced.
func (p *Plan) free(replace bool) error {
	for _, f := range p.Files {
		if _, err := os.Lstat(f.Path); err == nil && !replace {
			return hint.Wrap(fmt.Errorf("%w: %s: %w", gguf.ErrInput, f.Path, ErrExists), "give another --name, or --force to replace it")
		}
	}
	return nil
}

// HubFolder plans a new folder with all files of a model, to which a card is added.
func HubFolder(f *gguf.File, dir string) (*Plan, error) {
	if _, err := atomicfile.CheckEmpty(dir); err != nil {
		return nil, err
	}
	p := &Plan{}
	return p, p.Models(f, dir)
}

// Add adds a file with that content, the last to get its name.
func (p *Plan) Add(path string, content []byte) { p.Files = append(p.Files, text(path, content)) }
