// Package manifest records how a file was made: which carat, from what, with which options, and what came of
// it. The record holds SHA-256 sums instead of times, and base names instead of paths, so that the same
// inputs give the same record, on any machine.
//
//	m := manifest.New("quantize", options)
//	err := m.AddSource(manifest.RoleModel, paths...)
//	... plan.Metadata gets m.Metadata() if it shall be in the file too; quantize.Stage writes out.gguf
//	err = m.AddOutput(ctx, plan, writer)
//	... m.Bytes() is the content of a file that is committed together with the writer's
//
// docs/manifest.md describes the JSON.
package manifest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/buildinfo"
	"github.com/carat-llm/carat/quantize"
)

// Version is that of the JSON. It grows when a field changes its meaning or goes; new fields may come without.
const Version = 1

// The parts that files play.
const (
	RoleModel       = "model"
	RoleImatrix     = "imatrix"
	RoleCalibration = "calibration" // the text, or the mix of texts
	RoleOption      = "option"      // the value of another option
)

// Manifest is the record.
type Manifest struct {
	Version int    `json:"version"`
	Tool    Tool   `json:"tool"`
	Command string `json:"command"`
	// Options are those given, by their long names; files by their base names.
	Options map[string]any `json:"options"`
	Sources []File         `json:"sources"`
	// Outputs are the files written, more than one where the output is split.
	Outputs []File   `json:"outputs"`
	Tensors []Tensor `json:"tensors"`
	Proof   *Proof   `json:"proof,omitempty"`
}

// Tool is the program that did it.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// File is a file that was read or written.
type File struct {
	Role   string `json:"role,omitempty"`
	Name   string `json:"name"` // the base name
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Tensor is a tensor of the output. Type, Reason and Fallback are the recipe as it was carried out.
type Tensor struct {
	Name       string  `json:"name"`
	Shape      []int64 `json:"shape"`
	SourceType string  `json:"source_type"`
	Type       string  `json:"type"`
	Reason     string  `json:"reason"`
	Fallback   bool    `json:"fallback,omitempty"`
	Bytes      int64   `json:"bytes"`
	SHA256     string  `json:"sha256"` // of the encoded data, without padding
}

// New begins a record of a command and the options it was given, values that encoding/json takes.
func New(command string, options map[string]any) *Manifest {
	return &Manifest{
		Version: Version, Tool: Tool{"carat", buildinfo.Version()}, Command: command, Options: options,
		Sources: []File{}, Outputs: []File{}, Tensors: []Tensor{},
	}
}

// AddSource hashes files that the output is made from.
func (m *Manifest) AddSource(role string, paths ...string) error {
	for _, path := range paths {
		f, err := hashFile(path)
		if err != nil {
			return err
		}
		f.Role = role
		m.Sources = append(m.Sources, f)
	}
	return nil
}

// AddText records a text that is no file: a mix of texts, or one that comes with carat.
func (m *Manifest) AddText(role, name, text string) {
	sum := sha256.Sum256([]byte(text))
	m.Sources = append(m.Sources, File{Role: role, Name: name, Bytes: int64(len(text)), SHA256: hex.EncodeToString(sum[:])})
}

// AddOutput records what w wrote for plan: its files, in order, and the tensors in them.
func (m *Manifest) AddOutput(ctx context.Context, plan *quantize.Plan, w *gguf.Writer) error {
	files, err := w.HashFiles(ctx)
	if err != nil {
		return err
	}
	for _, f := range files {
		m.Outputs = append(m.Outputs, File{Name: f.Name, Bytes: f.Bytes, SHA256: f.SHA256})
	}
	written := w.Tensors()
	for i, t := range plan.Tensors {
		if len(written) != len(plan.Tensors) || written[i].Name != t.Name || written[i].Type != t.Type {
			return fmt.Errorf("tensor %s differs from the plan: the output was made by another plan", t.Name)
		}
		sum, err := w.HashTensor(ctx, i)
		if err != nil {
			return err
		}
		m.Tensors = append(m.Tensors, Tensor{t.Name, t.Shape, t.Source.String(), t.Type.String(), t.Reason, t.Fallback, t.Bytes(), sum})
	}
	return nil
}

// Metadata is a compact record for the output itself: what is known before it is written.
func (m *Manifest) Metadata() ([]gguf.KV, error) {
	options, err := json.Marshal(m.Options) // sorted by key
	if err != nil {
		return nil, err
	}
	sources := make([]string, len(m.Sources))
	for i, f := range m.Sources {
		sources[i] = f.SHA256 + "  " + f.Name // a line of sha256sum
	}
	return []gguf.KV{
		{Key: "carat.manifest.version", Value: uint32(m.Version)},
		{Key: "carat.manifest.tool", Value: m.Tool.Name + " " + m.Tool.Version},
		{Key: "carat.manifest.command", Value: m.Command},
		{Key: "carat.manifest.options", Value: string(options)},
		{Key: "carat.manifest.sources", Value: sources},
	}, nil
}

// Bytes is the JSON, indented, with a line feed at its end.
func (m *Manifest) Bytes() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	err := e.Encode(m)
	return b.Bytes(), err
}

func hashFile(path string) (File, error) {
	h, err := gguf.HashFile(path)
	return File{Name: h.Name, Bytes: h.Bytes, SHA256: h.SHA256}, err
}
