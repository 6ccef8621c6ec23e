package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
)

// maxBytes is the largest report that is read: a million scored tokens of ten candidates are a tenth of it.
const maxBytes = 1 << 30

// FormatError says where a report is wrong. It wraps gguf.ErrInput.
type FormatError struct {
	File   string // empty when the report did not come from a file
	Path   string // in the JSON: "candidates[2].metrics.kld.mean"; empty for the whole
	Reason string
}

func (e *FormatError) Error() string {
	s := e.Reason
	if e.Path != "" {
		s = e.Path + ": " + s
	}
	if e.File != "" {
		s = e.File + ": " + s
	}
	return "report " + s
}

// Unwrap makes errors.Is(err, gguf.ErrInput) true.
func (e *FormatError) Unwrap() error { return gguf.ErrInput }

func wrong(path, format string, args ...any) error {
	return &FormatError{Path: path, Reason: fmt.Sprintf(format, args...)}
}

// Read reads and validates the report at path. What is wrong with its content is a *FormatError.
func Read(path string) (*Report, error) {
	b, err := inputfile.ReadSmall(path, maxBytes)
	if err != nil {
		return nil, err
	}
	r, err := Parse(b)
	var f *FormatError
	if errors.As(err, &f) {
		f.File = path
	}
	return r, err
}

// Parse reads and validates a report. Fields that this version does not know are listed in Unknown.
func Parse(b []byte) (*Report, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, wrong("", "the JSON ends early, after %d bytes", len(b))
		}
		return nil, wrong("", "is not JSON: %v (at byte %d)", err, d.InputOffset())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, wrong("", "unexpected data after the JSON object, at byte %d", d.InputOffset())
	}
	if err := identify(tree); err != nil {
		return nil, err
	}
	var unknown []string
	if err := checkShape(tree, &unknown); err != nil {
		return nil, err
	}
	r := &Report{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, wrong("", "%v", err)
	}
	r.Unknown = unknown
	return r, r.Validate()
}

// identify looks at schema and version before anything else, so that another file gets the error that helps.
func identify(tree any) error {
	m, ok := tree.(map[string]any)
	if !ok {
		return wrong("", "must be an object (got %s)", kindOf(tree))
	}
	if s, ok := m["schema"].(string); !ok || s != Schema {
		return wrong("schema", "must be %q (got %v): is this a report.json of carat?", Schema, quoted(m["schema"]))
	}
	switch n, ok := m["version"].(json.Number); {
	case !ok || n.String() == "":
		return wrong("version", "is missing or not a number")
	case n.String() != fmt.Sprint(Version):
		return wrong("version", "must be %d (got %.20s): use the carat that made the report", Version, n)
	}
	return nil
}

func quoted(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%.40q", s)
	}
	if v == nil {
		return "missing"
	}
	return kindOf(v)
}

// Marshal validates r and gives its JSON, the same bytes for the same report.
func Marshal(r *Report) ([]byte, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(r)
	return b.Bytes(), err
}
