package manifest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
)

// readLimit is more than manifests of the largest models have.
const readLimit = 64 << 20

// Read reads a record, and its bytes as they are in the file. Errors wrap gguf.ErrInput if it is none.
func Read(path string) (*Manifest, []byte, error) {
	b, err := inputfile.ReadSmall(path, readLimit)
	if err != nil {
		return nil, nil, err
	}
	m := &Manifest{}
	switch err := json.Unmarshal(b, m); {
	case err != nil:
		return nil, nil, fmt.Errorf("%w: %s: is no manifest: %w", gguf.ErrInput, path, err)
	case m.Version != Version:
		return nil, nil, fmt.Errorf("%w: %s: is no manifest of version %d (version is %d): expected a file of carat build --manifest", gguf.ErrInput, path, Version, m.Version)
	}
	return m, b, nil
}

// Of requires that the record is of those files, in their order.
func (m *Manifest) Of(paths ...string) error {
	if len(paths) != len(m.Outputs) {
		return fmt.Errorf("%w: it is of %d files, and the model has %d", gguf.ErrInput, len(m.Outputs), len(paths))
	}
	for i, path := range paths {
		f, err := hashFile(path)
		if err != nil {
			return err
		}
		if f.SHA256 != m.Outputs[i].SHA256 {
			return fmt.Errorf("%w: it is of another file: %s has the SHA-256 %s, and the manifest's %s has %s", gguf.ErrInput, path, f.SHA256, m.Outputs[i].Name, m.Outputs[i].SHA256)
		}
	}
	return nil
}

// FromMetadata is the compact record that a file has of itself (Metadata), nil if it has none.
func FromMetadata(md *gguf.Metadata) *Manifest {
	tool, ok := md.String("carat.manifest.tool")
	if !ok {
		return nil
	}
	m := &Manifest{Version: Version}
	m.Tool.Name, m.Tool.Version, _ = strings.Cut(tool, " ")
	m.Command, _ = md.String("carat.manifest.command")
	options, _ := md.String("carat.manifest.options")
	_ = json.Unmarshal([]byte(options), &m.Options) // what is no JSON says nothing
	for _, line := range md.Strings("carat.manifest.sources") {
		sum, name, _ := strings.Cut(line, "  ")
		m.Sources = append(m.Sources, File{Name: name, SHA256: sum})
	}
	return m
}
