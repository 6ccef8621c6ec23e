// Package convert opens a checkpoint folder as the GGUF file that it would become.
//
// Open reads config.json, the tokenizer, the model card and the headers of the safetensors files. The Model
// that it returns has the metadata, tensor order and tensor types that the reference converter
// (convert_hf_to_gguf.py) writes; weights are converted row by row as they are read, so converting is
// copying, and a folder can be quantized, evaluated and inspected without a file in between.
package convert

import (
	"errors"
	"fmt"
	"slices"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/general"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/convert/vocab"
	"github.com/carat-llm/carat/gguf"
)

// Options say how a folder is read.
type Options struct {
	// OutType is f32, f16, bf16, q8_0 or auto ("" too): what the weight matrices become. auto keeps 16-bit
	// weights and makes F16 of others.
	OutType string
	// Pre names the pre-tokenizer where it cannot be recognised.
	Pre string
	// MetadataFile holds JSON whose general.* entries override what is found.
	MetadataFile string
	// ModelName overrides general.name.
	ModelName string
	// VocabOnly leaves the tensors out.
	VocabOnly bool
}

// Model is a checkpoint folder. It implements gguf.Model.
type Model struct {
	dir      string
	metadata *gguf.Metadata
	tensors  []gguf.Tensor
	files    *safetensors.Files
}

// Metadata implements gguf.Model.
func (m *Model) Metadata() *gguf.Metadata { return m.metadata }

// Tensors implements gguf.Model.
func (m *Model) Tensors() []gguf.Tensor { return m.tensors }

// Unchanged implements gguf.Unchanging. The small files are not asked: they were read whole at one time.
func (m *Model) Unchanged() error { return m.files.Unchanged() }

// Close implements gguf.Model.
func (m *Model) Close() error { return m.files.Close() }

// outTypes are the choices of OutType with their general.file_type.
var outTypes = map[string]struct {
	tensor   gguf.Type
	fileType uint32
}{"f32": {gguf.F32, 0}, "f16": {gguf.F16, 1}, "q8_0": {gguf.Q8_0, 7}, "bf16": {gguf.BF16, 32}}

// ErrOutType is wrapped when Options.OutType names nothing known.
var ErrOutType = errors.New("want f32, f16, bf16, q8_0 or auto")

// Open reads everything but the weights of the checkpoint folder dir.
func Open(dir string, o Options) (*Model, error) {
	cfg, err := arch.ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	family, class, err := arch.Find(cfg)
	if err != nil {
		return nil, err
	}
	specs := family.Tensors(cfg)
	if err := cfg.Err(); err != nil {
		return nil, err
	}
	tokenizer, err := vocab.Load(dir, vocab.Options{Class: class, Config: cfg.Values(), Pre: o.Pre})
	if err != nil {
		return nil, err
	}
	files, err := safetensors.Open(dir)
	if err != nil {
		return nil, err
	}
	m := &Model{dir: dir, files: files}
	if err := m.build(dir, cfg, family, specs, tokenizer, o); err != nil {
		return nil, errors.Join(err, files.Close())
	}
	return m, nil
}

func (m *Model) build(dir string, cfg *arch.Config, family *arch.Family, specs []arch.Tensor, tokenizer []gguf.KV, o Options) error {
	out, ok := outTypes[o.OutType]
	if o.OutType == "" || o.OutType == "auto" {
		out = outTypes[autoType(m.files.Tensors())]
	} else if !ok {
		return fmt.Errorf("outtype %q: %w", o.OutType, ErrOutType)
	}
	var extraKVs []gguf.KV
	var extras []arch.Extra
	if family.Extra != nil {
		extraKVs, extras = family.Extra(cfg)
	}
	archKVs := family.Metadata(cfg, out.fileType)
	if err := cfg.Err(); err != nil {
		return err
	}
	for _, e := range extras {
		m.tensors = append(m.tensors, newExtra(e))
	}
	if err := m.mapTensors(dir, specs, out.tensor); err != nil {
		return err
	}
	named := general.Options{ModelName: o.ModelName, MetadataFile: o.MetadataFile}
	for _, t := range m.tensors {
		named.Parameters += t.Info().Elements()
		if s, ok := t.(*stack); ok {
			named.Experts = int64(len(s.experts))
			named.ExpertParameters += t.Info().Elements()
		}
	}
	generalKVs, err := general.Metadata(dir, cfg.Values(), named)
	if err != nil {
		return err
	}
	m.metadata = &gguf.Metadata{}
	m.metadata.Set("general.architecture", family.Name)
	for _, kv := range slices.Concat(extraKVs, generalKVs, archKVs) {
		m.metadata.Set(kv.Key, kv.Value)
	}
	m.metadata.Set("general.quantization_version", uint32(2))
	for _, kv := range tokenizer {
		m.metadata.Set(kv.Key, kv.Value)
	}
	if family.SpacePrefix != nil {
		m.metadata.Set("tokenizer.ggml.add_space_prefix", *family.SpacePrefix)
	}
	if o.VocabOnly {
		m.tensors = nil
	}
	return nil
}

// autoType keeps the type of the first matrix when it has 16 bits.
func autoType(ts []*safetensors.Tensor) string {
	for _, t := range ts {
		if len(t.Shape) >= 2 {
			if t.Type == gguf.BF16 {
				return "bf16"
			}
			break
		}
	}
	return "f16"
}

// mapTensors turns the checkpoint's tensors into GGUF's, in the checkpoint's order.
func (m *Model) mapTensors(dir string, specs []arch.Tensor, out gguf.Type) error {
	bySource := make(map[string]arch.Tensor, len(specs))
	for _, s := range specs {
		bySource[s.Source] = s
	}
	have := map[string]bool{}
	stacks := newStacker(specs)
	for _, t := range m.files.Tensors() {
		if arch.Skipped(t.Name) {
			continue
		}
		spec, ok := specOf(bySource, t.Name)
		if !ok {
			return fmt.Errorf("%w: %s/%s: tensor %s has no place in this architecture", gguf.ErrInput, dir, t.File, t.Name)
		}
		have[t.Name] = true
		if !slices.Equal(t.Shape, spec.Shape) {
			return fmt.Errorf("%w: %s/%s: tensor shape: %s is %v, config.json says %v", gguf.ErrInput, dir, t.File, t.Name, t.Shape, spec.Shape)
		}
		if t.Type != gguf.F32 && t.Type != gguf.F16 && t.Type != gguf.BF16 {
			return fmt.Errorf("%w: %s/%s: tensor %s is of a type that is not read as weights (%v): want F32, F16 or BF16", gguf.ErrInput, dir, t.File, t.Name, t.Type)
		}
		made := newTensor(t, spec, out)
		if spec.Experts > 0 {
			m.tensors = append(m.tensors, stacks.add(spec, made)...)
		} else {
			m.tensors = append(m.tensors, made)
		}
	}
	for _, s := range specs {
		for expert, name := range s.Sources() {
			switch {
			case s.Optional || have[name]:
			case s.Experts > 0:
				return fmt.Errorf("%w: %s: missing tensor %s: expert %d of %d of %s", gguf.ErrInput, dir, name, expert, s.Experts, s.Name)
			default:
				return fmt.Errorf("%w: %s: missing tensor %s", gguf.ErrInput, dir, name)
			}
		}
	}
	return nil
}
