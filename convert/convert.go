// Package convert opens a checkpoint folder as the GGUF file that it would become.
//
// Open reads config.json, the tokenizer, the model card and the headers of the safetensors files (or PyTorch's). The Model
// that it returns has the metadata, tensor order and tensor types that the reference converter
// (convert_hf_to_gguf.py) writes; weights are converted some rows at a time as they are read, so converting is
// copying, and a folder can be quantized, evaluated and inspected without a file in between.
package convert

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/general"
	"github.com/carat-llm/carat/convert/lora"
	"github.com/carat-llm/carat/convert/prequant"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/convert/vocab"
	"github.com/carat-llm/carat/gguf"
)

// Options say how a folder is read.
type Options struct {
	// OutType is f32, f16, bf16, q8_0 or auto ("" too): what the weight matrices become, but for those in blocks of 4-bit floats
	// that GGUF has, too, which are kept. auto is the type of the first matrix of 16 bits, F16 where there is none.
	OutType string
	// Pre names the pre-tokenizer where it cannot be recognised.
	Pre string
	// MetadataFile holds JSON whose general.* entries override what is found.
	MetadataFile string
	// ModelName overrides general.name.
	ModelName string
	// LoRA lists adapters that are merged into the weights, one after the other.
	LoRA []LoRA
	// Dense keeps the layers behind the pooling of embedding models that have some, where GGUF has a place for them.
	Dense bool
	// Pooler keeps the pooler of BERT's classifiers, without which their scores are not those of the checkpoint; the reference leaves it out.
	Pooler bool
	// Weights, if not nil, opens the checkpoint's weights, which are not in the folder.
	Weights *safetensors.Elsewhere
	// VocabOnly leaves the tensors out; the folder need not have weights.
	VocabOnly bool
}

// Model is a checkpoint folder. It implements gguf.Model.
type Model struct {
	dir      string
	metadata *gguf.Metadata
	tensors  []gguf.Tensor
	files    *safetensors.Files
	// quantized says how the weights are quantized; nil if they are not.
	quantized *prequant.Config
	adapters  []*lora.Adapter
	dense     []*safetensors.Files // the layers behind the pooling that are kept
	denseKVs  []gguf.KV            // their sizes
	numbers   []gguf.KV            // metadata that stand in tensors
	notes     []string
	modules   []module // of an embedding model
}

// Metadata implements gguf.Model.
func (m *Model) Metadata() *gguf.Metadata { return m.metadata }

// Tensors implements gguf.Model.
func (m *Model) Tensors() []gguf.Tensor { return m.tensors }

// Unchanged implements gguf.Unchanging. The small files are not asked: they were read whole at one time.
func (m *Model) Unchanged() (err error) {
	for _, w := range m.opened() {
		err = errors.Join(err, w.Unchanged())
	}
	return err
}

// weightFiles are open ones.
type weightFiles interface {
	Unchanged() error
	Close() error
}

func (m *Model) opened() []weightFiles {
	all := []weightFiles{m.files}
	for _, f := range m.dense {
		all = append(all, f)
	}
	for _, a := range m.adapters {
		all = append(all, a)
	}
	return all
}

// Notes are what the user should know of how the folder was read, a sentence each.
func (m *Model) Notes() []string { return m.notes }

// Normalizes reports whether the vectors of an embedding model are given the length 1 in the end; ok is false where the folder
// does not say.
func (m *Model) Normalizes() (yes, ok bool) {
	yes = slices.ContainsFunc(m.modules, func(x module) bool { return strings.HasSuffix(x.Type, "Normalize") })
	return yes, len(m.modules) > 0
}

// MaxTokens is how many tokens of a text an embedding model takes, as sentence-transformers has it; 0 where the folder does not say.
func (m *Model) MaxTokens() (int, error) {
	var c struct {
		Max *int `json:"max_seq_length"`
	}
	if _, err := readJSON(filepath.Join(m.dir, "sentence_bert_config.json"), &c); err != nil || c.Max == nil {
		return 0, err
	}
	return max(0, *c.Max), nil
}

// Close implements gguf.Model.
func (m *Model) Close() (err error) {
	for _, w := range m.opened() {
		err = errors.Join(err, w.Close())
	}
	return err
}

// outType is a choice of OutType with its general.file_type.
type outType struct {
	tensor   gguf.Type
	fileType uint32
}

var outTypes = map[string]outType{"f32": {gguf.F32, 0}, "f16": {gguf.F16, 1}, "q8_0": {gguf.Q8_0, 7}, "bf16": {gguf.BF16, 32}}

// findOutType finds the choice of that name; auto goes by the tensors.
func findOutType(name string, tensors []*safetensors.Tensor) (outType, error) {
	if name == "auto" {
		name = autoType(tensors)
	}
	out, ok := outTypes[name]
	if !ok {
		return out, fmt.Errorf("%w %q; expected f32, f16, bf16, q8_0 or auto", ErrOutType, name)
	}
	return out, nil
}

// ErrOutType is wrapped when Options.OutType names nothing known.
var ErrOutType = errors.New("unknown outtype")

// Open reads everything but the weights of the checkpoint folder dir.
func Open(dir string, o Options) (*Model, error) {
	if err := wantFolder(dir); err != nil {
		return nil, err
	}
	cfg, err := arch.ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	family, class, cfg, err := arch.Find(cfg)
	if err != nil {
		return nil, err
	}
	values := cfg.Values()
	quantized, err := prequant.Read(dir, values)
	if err != nil {
		return nil, err
	}
	spec := family.Describe(cfg)
	if err := cfg.Err(); err != nil {
		return nil, err
	}
	if spec.Vocab > 0 {
		values["vocab_size"] = float64(spec.Vocab) // the class's, where config.json has none
	}
	tokenizer, err := vocab.Load(dir, vocab.Options{Class: class, Config: values, Pre: o.Pre})
	if err != nil {
		return nil, err
	}
	ranks, err := isReranker(dir, family, values)
	if err == nil && ranks {
		err = rerank(dir, spec, tokenizer, cfg.Bool("tie_word_embeddings"))
	}
	if err != nil {
		return nil, err
	}
	m := &Model{dir: dir, files: &safetensors.Files{}, quantized: quantized, notes: cfg.Notes()}
	m.keepPooler(spec, o.Pooler)
	if !o.VocabOnly {
		if o.Weights != nil {
			m.files, err = safetensors.OpenElsewhere(dir, *o.Weights)
		} else {
			m.files, err = openWeights(dir)
		}
		if err != nil {
			return nil, err
		}
	}
	if err = m.build(family, spec, values, tokenizer, o); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *Model) build(family *arch.Family, spec *arch.Spec, config map[string]any, tokenizer []gguf.KV, o Options) error {
	out, err := findOutType(cmp.Or(o.OutType, "auto"), m.files.Tensors())
	if err != nil {
		return err
	}
	name := cmp.Or(spec.Name, family.Name)
	if m.modules, err = readModules(m.dir); err != nil {
		return err
	}
	if !o.VocabOnly {
		if err := m.keepDense(name, o.Dense, out.tensor); err != nil {
			return err
		}
		for _, e := range spec.Computed {
			m.tensors = append(m.tensors, newComputed(e))
		}
		if err := m.mapTensors(spec, out.tensor, o.LoRA...); err != nil {
			return err
		}
	}
	named := general.Options{ModelName: o.ModelName, MetadataFile: o.MetadataFile}
	named.Parameters, named.Experts, named.WithOneExpert = parameters(m.tensors)
	generalKVs, notes, err := general.Metadata(m.dir, config, named)
	if err != nil {
		return err
	}
	m.notes = append(m.notes, notes...)
	pooling, err := poolingType(m.dir, name, m.modules)
	if err != nil {
		return err
	}
	m.metadata = &gguf.Metadata{}
	m.metadata.Set("general.architecture", name)
	for _, kv := range slices.Concat(spec.Before, m.numbers, generalKVs, spec.Metadata, m.denseKVs, pooling) {
		switch kv.Key {
		case arch.FileType:
			kv.Value = m.fileType(out.fileType)
		case arch.PoolingType: // those that there are go here
			for _, kv := range pooling {
				m.metadata.Set(kv.Key, kv.Value)
			}
			continue
		}
		m.metadata.Set(kv.Key, kv.Value)
	}
	m.metadata.Set("general.quantization_version", uint32(2))
	for _, kv := range tokenizer {
		m.metadata.Set(kv.Key, kv.Value)
	}
	if spec.SpacePrefix != nil {
		m.metadata.Set("tokenizer.ggml.add_space_prefix", *spec.SpacePrefix)
	}
	return nil
}

// parameters counts weights as the reference does: stacks of experts are told by their names, and layers may have different
// numbers of experts.
func parameters(tensors []gguf.Tensor) (all, experts, withOne int64) {
	stacks := int64(0)
	for _, t := range tensors {
		in := t.Info()
		all += in.Elements()
		if len(in.Shape) < 3 || !strings.Contains(in.Name, "_exps.") {
			withOne += in.Elements()
			continue
		}
		withOne += in.Elements() / in.Shape[2]
		experts, stacks = experts+in.Shape[2], stacks+1
	}
	return all, experts / max(stacks, 1), withOne
}

// autoType keeps the type of the first matrix that has 16 bits.
func autoType(ts []*safetensors.Tensor) string {
	for _, t := range ts {
		if _, kind := arch.Source(t.Name); kind == arch.Other || len(t.Shape) < 2 {
			continue
		}
		switch t.Type {
		case gguf.BF16:
			return "bf16"
		case gguf.F16:
			return "f16"
		}
	}
	return "f16"
}
