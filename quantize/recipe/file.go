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
	var doc, more yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&doc); err == io.EOF {
		return nil, fmt.Errorf("%s: not a recipe: the file is empty", name)
	} else if err != nil {
		return nil, fmt.Errorf("%s: not a recipe: %w", name, err)
	}
	if err := d.Decode(&more); err != io.EOF {
		return nil, fmt.Errorf("%s: not a recipe: more than one YAML document", name)
	}
	f := &File{name: name}
	if len(doc.Content) != 1 {
		return nil, fmt.Errorf("%s: not a recipe: the file is empty", name)
	}
	if err := f.read(doc.Content[0]); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

func (f *File) read(root *yaml.Node) error {
	seen := map[string]*yaml.Node{}
	err := eachPair(root, "the recipe", func(key string, k, v *yaml.Node) error {
		switch key {
		case "version", "file_type", "tensors":
			seen[key] = v
			return nil
		}
		return fmt.Errorf("line %d: %s", k.Line, suggest.OneOf("key", key, []string{"version", "file_type", "tensors"}))
	})
	if err != nil {
		return err
	}
	for _, key := range []string{"version", "file_type", "tensors"} {
		if seen[key] == nil {
			return fmt.Errorf("line %d: key %q is missing", root.Line, key)
		}
	}
	if v := seen["version"]; v.Kind != yaml.ScalarNode || v.Value != fmt.Sprint(FileVersion) {
		return fmt.Errorf("line %d: version must be %d (got %q)", v.Line, FileVersion, v.Value)
	}
	v := seen["file_type"]
	if f.FileType, err = ParseFileType(v.Value); err != nil || v.Kind != yaml.ScalarNode || f.FileType == Copy {
		return fmt.Errorf("line %d: file_type must be a type such as Q4_K_M (got %q)", v.Line, v.Value)
	}
	return f.readTensors(seen["tensors"])
}

func (f *File) readTensors(node *yaml.Node) error {
	err := eachPair(node, "tensors", func(name string, k, v *yaml.Node) error {
		t := FileTensor{Name: name, line: k.Line}
		if name == "" || len(name) > maxNameBytes {
			return fmt.Errorf("line %d: a tensor's name must have between 1 and %d bytes (got %d)", k.Line, maxNameBytes, len(name))
		}
		if v.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: %s: expected a tensor type such as Q4_K, or keep", v.Line, name)
		}
		if t.Keep = v.Value == keepWord; !t.Keep {
			var err error
			if t.Type, err = gguf.ParseType(v.Value); err != nil {
				return fmt.Errorf("line %d: %s: %w", v.Line, name, err)
			}
		}
		f.Tensors = append(f.Tensors, t)
		return nil
	})
	f.index()
	return err
}

func (f *File) index() {
	f.byName = make(map[string]*FileTensor, len(f.Tensors))
	for i := range f.Tensors {
		f.byName[f.Tensors[i].Name] = &f.Tensors[i]
	}
}

// eachPair calls do for the pairs of a mapping in order. Keys must be distinct scalars.
func eachPair(n *yaml.Node, what string, do func(key string, k, v *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: %s must be lines of KEY: VALUE", n.Line, what)
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode {
			return fmt.Errorf("line %d: a key of %s is not a name", k.Line, what)
		}
		if first, twice := lines[k.Value]; twice {
			return fmt.Errorf("line %d: %s appears twice, first in line %d", k.Line, k.Value, first)
		}
		lines[k.Value] = k.Line
		if err := do(k.Value, k, v); err != nil {
			return err
		}
	}
	return nil
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
