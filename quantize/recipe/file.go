package recipe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/carat-llm/carat/internal/yamlfile"
	"go.yaml.in/yaml/v4"
)

// FileVersion is the version of the recipe files that this package writes and reads.
const FileVersion = 1

// maxFileBytes bounds a recipe file: a million tensors fit.
const maxFileBytes = 64 << 20

// maxNameBytes is what GGUF allows the name of a tensor.
const maxNameBytes = 63

// keepWord stands in a recipe file for "the type that it has in the source".
const keepWord = "keep"

// File is a recipe written down: the type of every tensor of a model, by name. As YAML:
//
//	version: 1
//	file_type: Q4_K_M
//	tensors:
//	  token_embd.weight: Q6_K  # token embedding, also output
//	  blk.0.attn_norm.weight: keep  # F32, one dimension
//
// FileType only enters the output's metadata then; the rules are not asked.
type File struct {
	FileType FileType
	Tensors  []FileTensor
	name     string
	byName   map[string]*FileTensor
}

// FileTensor is one line of a File.
type FileTensor struct {
	Name string
	// Keep copies the tensor as it is, and Type means nothing then.
	Keep bool
	Type gguf.Type
	// Reason is written as a comment; it is not read back.
	Reason string
	line   int
}

// NewFile makes a recipe of these tensors, whose names must be distinct.
func NewFile(ft FileType, tensors []FileTensor) *File {
	f := &File{FileType: ft, Tensors: tensors, name: "recipe"}
	f.index()
	return f
}

// plainKey are names that YAML takes as they are.
var plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)

// Bytes is the file's text.
func (f *File) Bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# A recipe of carat: what each tensor becomes. Edit the types and give the file to --recipe.
# keep is the type that a tensor has in the source. Comments are not read.
version: %d
file_type: %s
tensors:`, FileVersion, f.FileType)
	if len(f.Tensors) == 0 {
		b.WriteString(" {}")
	}
	b.WriteByte('\n')
	lines, width := make([]string, len(f.Tensors)), 0
	for i, t := range f.Tensors {
		name, typ := t.Name, t.Type.String()
		if !plainKey.MatchString(name) {
			quoted, _ := json.Marshal(name) // a string always can; JSON's strings are YAML's too
			name = string(quoted)
		}
		if t.Keep {
			typ = keepWord
		}
		lines[i] = name + ": " + typ
		width = max(width, len(lines[i]))
	}
	for i, t := range f.Tensors {
		fmt.Fprintf(&b, "  %-*s  # %s\n", width, lines[i], strings.Join(strings.Fields(t.Reason), " "))
	}
	return b.Bytes()
}

// ParseFile reads what Bytes writes. name is for messages, which say the line.
func ParseFile(name string, r io.Reader) (*File, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFileBytes {
		return nil, fmt.Errorf("%s: not a recipe: larger than %d bytes", name, maxFileBytes)
	}
	root, err := yamlfile.Parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: not a recipe: %w", name, err)
	}
	f := &File{name: name}
	if err := f.read(root); err != nil {
		return nil, err
	}
	return f, nil
}

func (f *File) read(root *yaml.Node) error {
	d := &yamlfile.Decoder{File: f.name, What: "the recipe"}
	seen := map[string]bool{}
	once := func(key string, read yamlfile.Field) yamlfile.Field {
		return func(n *yaml.Node, at string) error { seen[key] = true; return read(n, at) }
	}
	var version string
	err := d.Fields(root, "", map[string]yamlfile.Field{
		"version": once("version", d.OneOf(&version, fmt.Sprint(FileVersion))),
		"file_type": once("file_type", d.Parsed("a type such as Q4_K_M", func(s string) (ok bool) {
			var err error
			f.FileType, err = ParseFileType(s)
			return err == nil && f.FileType != Copy
		})),
		"tensors": once("tensors", d.Pairs(func(k, v *yaml.Node, key string) error { return f.readTensor(d, k, v, key) })),
	})
	if err != nil {
		return err
	}
	for _, key := range []string{"version", "file_type", "tensors"} {
		if !seen[key] {
			return d.Errorf(root, d.What, "key %q is missing", key)
		}
	}
	f.index()
	return nil
}

func (f *File) readTensor(d *yamlfile.Decoder, k, v *yaml.Node, key string) error {
	t := FileTensor{Name: k.Value, line: k.Line}
	if len(t.Name) > maxNameBytes {
		return d.Errorf(k, "tensors", "found a name of %d bytes, expected at most %d", len(t.Name), maxNameBytes)
	}
	err := d.Parsed("a tensor type such as Q4_K, or keep", func(s string) bool {
		if t.Keep = s == keepWord; t.Keep {
			return true
		}
		var err error
		t.Type, err = gguf.ParseType(s)
		return err == nil
	})(v, key)
	f.Tensors = append(f.Tensors, t)
	return err
}

func (f *File) index() {
	f.byName = make(map[string]*FileTensor, len(f.Tensors))
	for i := range f.Tensors {
		f.byName[f.Tensors[i].Name] = &f.Tensors[i]
	}
}

// Covers reports an error unless the recipe names exactly these tensors, in any order.
func (f *File) Covers(tensors []gguf.TensorInfo) error {
	model := make(map[string]bool, len(tensors))
	for _, t := range tensors {
		model[t.Name] = true
	}
	for _, t := range f.Tensors {
		if !model[t.Name] {
			return fmt.Errorf("%s: line %d: the model has no tensor %s%s", f.name, t.line, t.Name, suggest.DidYouMean(t.Name, slices.Sorted(maps.Keys(model))))
		}
	}
	for _, t := range tensors {
		if f.byName[t.Name] == nil {
			return fmt.Errorf("%s: tensor %s is missing; the recipe has %d of the model's %d: add \"%s: TYPE\" or \"%s: keep\"",
				f.name, t.Name, len(f.Tensors), len(tensors), t.Name, t.Name)
		}
	}
	return nil
}

// place names the file and line of a tensor.
func (f *File) place(t *FileTensor) string { return fmt.Sprintf("%s: line %d", f.name, t.line) }
