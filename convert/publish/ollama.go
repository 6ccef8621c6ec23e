package publish

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/carat-llm/carat/runtime/tokenizer"
)

// settings are what Ollama is told beside the weights.
type settings struct {
	template *Template
	stop     []string
	license  string
	notes    []string
}

// settingsOf reads them from metadata.
func settingsOf(md *gguf.Metadata) (*settings, error) {
	s := &settings{license: licenseOf(md)}
	t, note := TemplateOf(md)
	if note != "" {
		s.notes = append(s.notes, note)
	}
	s.template = t
	tok, err := tokenizer.New(md)
	if err != nil {
		return nil, err
	}
	named := map[int64]bool{}
	for _, key := range []string{"eos", "eot", "eom"} {
		if id, ok := md.Int("tokenizer.ggml." + key + "_token_id"); ok {
			named[id] = true
		}
	}
	for id, text := range md.Strings("tokenizer.ggml.tokens") {
		if tok.IsEOG(int32(id)) && (named[int64(id)] || t != nil && strings.Contains(t.Text, text)) {
			s.stop = append(s.stop, text)
		}
	}
	if t != nil {
		s.stop = append(s.stop, t.Stop...)
	}
	s.stop = slices.DeleteFunc(s.stop, func(text string) bool { return text == "" || strings.ContainsAny(text, "\"\n\r") })
	return s, nil
}

// licenseOf is what the metadata say of the license, a line for each.
func licenseOf(md *gguf.Metadata) string {
	var lines []string
	for _, key := range []string{"general.license", "general.license.name", "general.license.link"} {
		if s, ok := md.String(key); ok && s != "" && !slices.Contains(lines, s) {
			lines = append(lines, strings.ReplaceAll(s, `"""`, `"`))
		}
	}
	return strings.Join(lines, "\n")
}

// modelfile is the text for a model in the file that from names (github.com/ollama/ollama, docs/modelfile.md).
func (s *settings) modelfile(from string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "FROM %s\n", from)
	if s.template != nil {
		fmt.Fprintf(&b, "\nTEMPLATE \"\"\"%s\"\"\"\n", s.template.Text)
	}
	if len(s.stop) > 0 {
		b.WriteByte('\n')
	}
	for _, text := range s.stop {
		fmt.Fprintf(&b, "PARAMETER stop \"%s\"\n", text)
	}
	if s.license != "" {
		fmt.Fprintf(&b, "\nLICENSE \"\"\"%s\"\"\"\n", s.license)
	}
	return []byte(b.String())
}

// OllamaFolder plans a new folder with a Modelfile and the model, of which `ollama create` makes a model. One in several
// files is written as one: Ollama takes no other.
func OllamaFolder(f *gguf.File, dir string) (*Plan, error) {
	model, err := whole(f)
	if err != nil {
		return nil, err
	}
	s, err := settingsOf(f.Metadata())
	if err != nil {
		return nil, err
	}
	if _, err := atomicfile.CheckEmpty(dir); err != nil {
		return nil, err
	}
	name := filepath.Base(cmp.Or(model.Source, model.Path))
	if model.Model != nil {
		s.notes = append(s.notes, fmt.Sprintf("the model's %d files are written as one, %s", len(f.Paths()), name))
	}
	model.Path = filepath.Join(dir, name)
	return &Plan{Files: []File{model, text(filepath.Join(dir, "Modelfile"), s.modelfile("./"+name))}, Notes: s.notes}, nil
}

// ErrExists is wrapped when a name is another model's already.
var ErrExists = errors.New("is there already")

// part is what Ollama takes for a name or a tag.
var part = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}$`)

// OllamaName takes [NAMESPACE/]NAME[:TAG] apart. What is missing is library and latest, as Ollama has it.
func OllamaName(name string) (namespace, model, tag string, err error) {
	model, tag, _ = strings.Cut(name, ":")
	if tag == "" && !strings.Contains(name, ":") {
		tag = "latest"
	}
	namespace = "library"
	if n, m, ok := strings.Cut(model, "/"); ok {
		namespace, model = n, m
	}
	for _, s := range []string{namespace, model, tag} {
		if !part.MatchString(s) {
			return "", "", "", fmt.Errorf("%q is not a valid Ollama model name: expected [NAMESPACE/]NAME[:TAG] of letters, digits, and _ . - within", name)
		}
	}
	return namespace, model, tag, nil
}

// OllamaStore plans a model in a store of Ollama: blobs by their SHA-256, which are left alone where they are, and a manifest
// that names them. A manifest of that name that names another model is an error that wraps ErrExists, unless replace.
// It reads the whole model, for its sum.
func OllamaStore(f *gguf.File, store, name string, replace bool) (*Plan, error) {
	namespace, model, tag, err := OllamaName(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", gguf.ErrInput, err)
	}
	weights, err := single(f)
	if err != nil {
		return nil, err
	}
	s, err := settingsOf(f.Metadata())
	if err != nil {
		return nil, err
	}
	path := filepath.Join(store, "manifests", "registry.ollama.ai", namespace, model, tag)
	before, err := inputfile.ReadSmall(path, 1<<20)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	hash, err := gguf.HashFile(weights.Source)
	if err != nil {
		return nil, err
	}
	weights.SHA256, weights.Bytes = hash.SHA256, hash.Bytes
	p := &Plan{Notes: s.notes}
	m := manifest{SchemaVersion: 2, MediaType: "application/vnd.docker.distribution.manifest.v2+json"}
	m.Layers = append(m.Layers, p.blob(store, "model", weights))
	if s.template != nil {
		m.Layers = append(m.Layers, p.blob(store, "template", text("", []byte(s.template.Text))))
	}
	if s.license != "" {
		m.Layers = append(m.Layers, p.blob(store, "license", text("", []byte(s.license))))
	}
	if len(s.stop) > 0 {
		b, err := json.Marshal(map[string]any{"stop": s.stop})
		if err != nil {
			return nil, err
		}
		m.Layers = append(m.Layers, p.blob(store, "params", text("", b)))
	}
	config, err := json.Marshal(configOf(f, m.Layers))
	if err != nil {
		return nil, err
	}
	m.Config = p.blob(store, "", text("", config))
	b, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	if before != nil && string(before) != string(b) && !replace {
		return nil, hint.Wrap(fmt.Errorf("%w: %s: a model of this name %w, and is another one", gguf.ErrInput, path, ErrExists),
			"give another --name, or --force to replace it")
	}
	p.Files = append(p.Files, text(path, b))
	return p, nil
}

// manifest is that of an image, as Docker's registries have it.
type manifest struct {
	SchemaVersion int     `json:"schemaVersion"`
	MediaType     string  `json:"mediaType"`
	Config        layer   `json:"config"`
	Layers        []layer `json:"layers"`
}

type layer struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// blob adds a file, unless it is in the store, and returns the layer; kind "" is the config.
func (p *Plan) blob(store, kind string, f File) layer {
	if f.SHA256 == "" {
		f.SHA256 = sum(f.Content)
	}
	f.Path = filepath.Join(store, "blobs", "sha256-"+f.SHA256)
	if st, err := os.Stat(f.Path); err != nil || st.Size() != f.Bytes {
		p.Files = append(p.Files, f)
	}
	media := "application/vnd.docker.container.image.v1+json"
	if kind != "" {
		media = "application/vnd.ollama.image." + kind
	}
	return layer{media, "sha256:" + f.SHA256, f.Bytes}
}

// image is the config of an image.
type image struct {
	Format       string   `json:"model_format"`
	Family       string   `json:"model_family"`
	Families     []string `json:"model_families"`
	Size         string   `json:"model_type"`
	FileType     string   `json:"file_type"`
	Architecture string   `json:"architecture"`
	OS           string   `json:"os"`
	RootFS       rootFS   `json:"rootfs"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

func configOf(f *gguf.File, layers []layer) image {
	family, _ := f.Metadata().String("general.architecture")
	fileType := "unknown"
	if n, ok := f.Metadata().Int("general.file_type"); ok && recipe.FileType(n).Valid() {
		fileType = recipe.FileType(n).String()
	}
	elements := int64(0)
	for _, t := range f.Tensors() {
		elements += t.Info().Elements()
	}
	c := image{"gguf", family, []string{family}, people(elements), fileType, "amd64", "linux", rootFS{Type: "layers"}}
	for _, l := range layers {
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, l.Digest)
	}
	return c
}

// people writes a number of parameters as Ollama does: 134.52M, 8.0B.
func people(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.1fB", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.2fM", float64(n)/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.0fK", float64(n)/1e3)
	}
	return fmt.Sprint(n)
}

// OllamaDefaultName makes a name of the model's own, or the file's, and its type.
func OllamaDefaultName(f *gguf.File) string {
	name, _ := f.Metadata().String("general.name")
	base := filepath.Base(f.Paths()[0])
	name = clean(cmp.Or(name, strings.TrimSuffix(base, filepath.Ext(base))))
	tag := "latest"
	if n, ok := f.Metadata().Int("general.file_type"); ok && recipe.FileType(n).Valid() {
		tag = strings.ToLower(recipe.FileType(n).String())
	}
	return cmp.Or(name, "model") + ":" + tag
}

// clean leaves of a name what Ollama and LM Studio take, in small letters.
func clean(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, name)
	name = strings.Trim(name, "-.")
	return strings.Trim(name[:min(len(name), 60)], "-.")
}
