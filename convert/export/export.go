// Package export writes a GGUF model as a checkpoint folder of Hugging Face: config.json, safetensors and tokenizer files; or
// as one of MLC LLM (mlc.go).
//
// It is package convert backwards, without a second description of the families. A config.json is made from the metadata
// (config.go); the family of convert/arch describes what a checkpoint with that config becomes; that description must agree
// with the file, key by key and tensor by tensor, and is then followed from its end to its beginning (layout.go): rows move
// back to where they came from, fused tensors are put together and stacks of experts taken apart, and values get back what
// was added to them. What cannot be turned around is refused by name.
//
// Tensors of a checkpoint that became F32 come back as they were, bit for bit; F16 and BF16 are exact in F32, and come back
// in their own type. Quantized tensors are decoded: what quantization lost stays lost.
package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
)

// Options say how a folder is written.
type Options struct {
	// OutType is f32, f16, bf16 or auto: that of the matrices if they have 16 bits, F32 if all have 32, and F16 where they are
	// quantized.
	OutType string
	// ShardBytes is the most that a file of weights holds, if it holds more than one tensor; 0 is 5 GB.
	ShardBytes int64
	// Scheme, if not nil, quantizes the matrices of linear layers as compressed-tensors does.
	Scheme *Scheme
	// Threads is how many tensors are written at a time.
	Threads int
}

// Plan is what a folder will have.
type Plan struct {
	Type gguf.Type
	// Kind is how matrices are stored, by the name of the scheme or quantization; "" is as Type.
	Kind    string
	Class   string
	Tensors int
	Bytes   int64
	// Files are the names of all files.
	Files []string
	// Notes are what the user should know, a sentence each.
	Notes []string

	small   map[string][]byte
	shards  []shard
	threads int
	carried int // tensors whose rows are the file's
	// index, if not nil, makes further small files of the MD5 sums of the shards.
	index func(sums []string) (map[string][]byte, error)
}

// NewPlan finds what becomes of a model, from its headers alone. Errors wrap gguf.ErrInput.
func NewPlan(src gguf.Model, o Options) (*Plan, error) {
	out, err := outType(o.OutType, src.Tensors())
	if err != nil {
		return nil, err
	}
	found, err := recognise(src)
	if err != nil {
		return nil, err
	}
	outputs, err := layout(found.spec, src.Tensors())
	if err != nil {
		return nil, fmt.Errorf("%w: as %s: %w", gguf.ErrInput, found.class, err)
	}
	found.values["torch_dtype"] = torchTypes[out]
	p := &Plan{Type: out, Kind: o.Scheme.name(), Class: found.class, Tensors: len(outputs), threads: max(1, o.Threads), small: map[string][]byte{}}
	tokenizer, notes, err := tokenizerFiles(src.Metadata(), found.values)
	if err != nil {
		return nil, err
	}
	p.Notes = notes
	if o.Scheme != nil {
		if found.values["quantization_config"], err = o.Scheme.apply(p, found.class, outputs); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", gguf.ErrInput, o.Scheme.Name, err)
		}
		p.exactScales(found.values, o)
	}
	if p.small["config.json"], err = encode(decimals(found.values)); err != nil {
		return nil, err
	}
	if err := p.add(tokenizer); err != nil {
		return nil, err
	}
	limit := o.ShardBytes
	if limit <= 0 {
		limit = 5_000_000_000
	}
	if err := p.shard(outputs, limit); err != nil {
		return nil, err
	}
	for _, s := range p.shards {
		p.Files = append(p.Files, s.name)
	}
	for name := range p.small {
		p.Files = append(p.Files, name)
	}
	slices.Sort(p.Files)
	return p, nil
}

// exactScales keeps the F16 scales of rows that are carried over: as F16, if nobody asks for BF16.
func (p *Plan) exactScales(config map[string]any, o Options) {
	switch {
	case p.Type != gguf.BF16 || p.carried == 0 || o.Scheme.rounded:
	case o.OutType == "bf16":
		p.Notes = append(p.Notes, "BF16 holds the file's F16 scales to 3 digits: without --outtype, or with f32, they are exact")
	default:
		p.Type = gguf.F16
		config["torch_dtype"] = torchTypes[p.Type]
	}
}

// add adds small files: bytes, or what is encoded as JSON.
func (p *Plan) add(files map[string]any) (err error) {
	for name, v := range files {
		if b, ok := v.([]byte); ok {
			p.small[name] = b
		} else if p.small[name], err = encode(v); err != nil {
			return err
		}
	}
	return nil
}

// Run writes the folder, which must not be there yet, or be empty. Files appear in it when all are whole. unchanged is asked
// before.
func (p *Plan) Run(ctx context.Context, dir string, unchanged func() error) (err error) {
	made, err := makeFolder(dir)
	if err != nil {
		return err
	}
	var batch atomicfile.Batch
	defer func() {
		err = errors.Join(err, batch.Abort())
		if err != nil && made {
			_ = os.Remove(dir) // it has nothing, or stays
		}
	}()
	small, sums := maps.Clone(p.small), []string{}
	for _, s := range p.shards {
		f, err := atomicfile.Create(filepath.Join(dir, s.name), s.size())
		if err != nil {
			return environment(err)
		}
		batch.Add(f)
		if err := s.write(ctx, f, p.Type, p.threads); err != nil {
			return err
		}
		if p.index != nil {
			sum, err := md5Of(f)
			if err != nil {
				return err
			}
			sums = append(sums, sum)
		}
	}
	if p.index != nil {
		more, err := p.index(sums)
		if err != nil {
			return err
		}
		maps.Copy(small, more)
	}
	for name, b := range small {
		if err := batch.WriteFile(filepath.Join(dir, name), b); err != nil {
			return environment(err)
		}
	}
	if err := unchanged(); err != nil {
		return err
	}
	return batch.Commit()
}

func environment(err error) error {
	if errors.Is(err, atomicfile.ErrNoSpace) {
		return fmt.Errorf("%w: %w", gguf.ErrEnvironment, err)
	}
	return err
}

// makeFolder makes the folder, and reports whether it was not there.
func makeFolder(dir string) (made bool, err error) {
	if made, err = atomicfile.CheckEmpty(dir); made {
		err = os.Mkdir(dir, 0o777)
	}
	return made, err
}

func encode(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return append(b, '\n'), err
}
