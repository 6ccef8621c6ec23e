package imatrix

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// Snapshot is what a collection under way depends on. Its file is a GGUF importance matrix of the chunks that
// are done, with float64 sums so that going on gives the bits of an uninterrupted run, and with these values
// as metadata.
type Snapshot struct {
	Model   string // Fingerprint of the model
	Text    string // SHA-256 of the text
	Context int    // tokens in a chunk
	Output  bool   // whether output.weight is collected
	// Computation says how the model is computed.
	Computation string
}

// Metadata keys of snapshots; no finished file has them.
const (
	keyModel  = "carat.snapshot.model"
	keyText   = "carat.snapshot.text_sha256"
	keyOutput = "carat.snapshot.process_output"
	keyHow    = "carat.snapshot.computation"
)

// Write saves m to path, replacing the snapshot before it when the new one is whole.
func (s Snapshot) Write(path string, m *Matrix) error {
	return m.writeGGUF(path, gguf.F64, gguf.KV{Key: keyModel, Value: s.Model}, gguf.KV{Key: keyText, Value: s.Text}, gguf.KV{Key: keyOutput, Value: s.Output},
		gguf.KV{Key: keyHow, Value: s.Computation})
}

// Read returns what was saved at path. A snapshot of another model, text or context is refused.
func (s Snapshot) Read(path string) (*Matrix, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := fromModel(f)
	if err == nil {
		err = m.check()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	md := f.Metadata()
	model, _ := md.String(keyModel)
	text, _ := md.String(keyText)
	output, _ := md.Bool(keyOutput)
	how, _ := md.String(keyHow)
	for _, c := range []struct{ what, got, want string }{
		{"model", model, s.Model},
		{"text", text, s.Text},
		{"--ctx", fmt.Sprint(m.ChunkSize), fmt.Sprint(s.Context)},
		{"--process-output", fmt.Sprint(output), fmt.Sprint(s.Output)},
		{"computation", how, s.Computation},
	} {
		if c.got != c.want {
			return nil, fmt.Errorf("%w: %s was made with another %s (%s, this run has %s): continue with the same one, or delete the file", gguf.ErrInput, path, c.what, c.got, c.want)
		}
	}
	return m, nil
}

// Fingerprint identifies a model without reading all of it: SHA-256 of the metadata but general.*, of every
// tensor's name, type and shape, and of its first row.
func Fingerprint(m gguf.Model) (string, error) {
	h := sha256.New()
	for _, kv := range m.Metadata().All() {
		if !strings.HasPrefix(kv.Key, "general.") || kv.Key == "general.architecture" {
			fmt.Fprintf(h, "%s=%q\n", kv.Key, fmt.Sprint(kv.Value))
		}
	}
	for _, t := range m.Tensors() {
		i := t.Info()
		row := make([]byte, i.RowBytes())
		if err := t.ReadRows(row, 0, 1); err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %v %v\n", i.Name, i.Type, i.Shape)
		h.Write(row)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
