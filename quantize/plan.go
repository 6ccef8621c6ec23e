// Package quantize turns one model into another: a Plan says what each tensor becomes, from headers alone,
// and Run reads, encodes and writes it in a stream. RunAll does so for several plans of one model, which it reads
// once.
//
// The plan's order, types and metadata are llama-quantize's, and so are the bytes that Run writes, for any
// number of threads. Work is done in chunks of rows by a fixed set of workers with buffers of their own: the
// memory needed is workers x chunk, whatever the size of the model or of its largest tensor.
package quantize

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/quantize/clients"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
)

// ErrOptions is wrapped by errors about options that do not go with the model.
var ErrOptions = errors.New("the options do not fit the model")

// Options say what to make of a model.
type Options struct {
	FileType recipe.FileType
	recipe.Options

	// Verbatim keeps the order of tensors and the metadata: the model is written as it is. It goes with
	// FileType recipe.Copy only.
	Verbatim bool
	// Imatrix holds importance weights, or is nil. HasImatrix of recipe.Options follows from it.
	Imatrix *imatrix.Matrix
	// ImatrixName enters the metadata: the file's base name as the user gave it, never a path.
	ImatrixName string
	// Calibration is the text that the tensors were rounded by, and their types chosen, for the metadata. What layers see of it
	// is importance enough for types that need weights.
	Calibration Calibration
	// IncludeWeights or ExcludeWeights, not both, keep or drop the weights of tensors whose name has one of
	// these parts.
	IncludeWeights []string
	ExcludeWeights []string
	// AllowRequantize accepts sources that are quantized already.
	AllowRequantize bool
	// PruneLayers are left out; see Prune. Rules that count layers still see the source's number of them.
	PruneLayers []int
	// OverrideKV is appended to the output's metadata, in this order, and replaces what has the same key.
	OverrideKV []gguf.KV
	// Split cuts the output into files. KeepSplit cuts it where the source's files are cut instead, and orders
	// tensors by file and place in it, as llama-quantize --keep-split does.
	Split     gguf.Split
	KeepSplit bool
	// Clients must read the output. NoteClients adds a note for each type that some client does not read.
	Clients     []clients.Client
	NoteClients bool
	// Threads bounds how many cores compute; less than 1 counts as 1. The bytes do not depend on it.
	Threads int
}

// Plan is what becomes of a model.
type Plan struct {
	Metadata *gguf.Metadata
	Tensors  []Target
	Split    gguf.Split
	// Hash says that the sums of the files will be asked for: they are computed while the files are written.
	Hash     bool
	source   gguf.Model
	fileType recipe.FileType
	threads  int
	notes    []string // about options
}

// Target is a tensor of the output; its TensorInfo is the output's.
type Target struct {
	gguf.TensorInfo
	Source gguf.Type // the type it has in the source
	// Reason names the rule that chose the type.
	Reason   string
	Fallback bool
	// Unweighted says that there is an importance matrix, but nothing in it for this tensor, whose type would
	// have used it; it is false for embeddings and the output, which go without.
	Unweighted bool
	// ZeroWeights is the number of blocks of columns whose weights are all zero: these columns weigh alike.
	ZeroWeights int
	// Eligible is false for tensors that no file type quantizes.
	Eligible bool

	src        gguf.Tensor
	given      bool      // src is not the source's; see Take
	sourceName string    // the name it has in the source
	weights    []float32 // the columns' importance, expert by expert, or nil
}

// NewPlan decides everything from headers. Errors wrap ErrOptions when other options would do, and
// gguf.ErrInput when the model or the importance matrix is at fault.
func NewPlan(src gguf.Model, o Options) (*Plan, error) {
	if err := o.validate(src.Metadata()); err != nil {
		return nil, err
	}
	if o.Imatrix != nil {
		if err := o.checkWeights(src); err != nil {
			return nil, err
		}
		o.Imatrix = o.Imatrix.Filter(o.keepsWeights)
	}
	o.HasImatrix = o.Imatrix != nil && o.Imatrix.Len() > 0
	original, sourceName := src, func(name string) string { return name }
	if len(o.PruneLayers) > 0 {
		pruned, err := Prune(src, o.PruneLayers)
		if err != nil {
			return nil, err
		}
		src, sourceName = pruned, pruned.SourceName
	}
	tensors := slices.Clone(src.Tensors())
	if !o.Verbatim {
		slices.SortStableFunc(tensors, func(a, b gguf.Tensor) int { return recipe.Compare(a.Info().Name, b.Info().Name) })
	}
	if o.KeepSplit {
		var err error
		if o.Split, err = keepSplit(tensors); err != nil {
			return nil, err
		}
	}
	infos := make([]gguf.TensorInfo, len(tensors))
	for i, t := range tensors {
		infos[i] = t.Info()
	}
	if o.File != nil {
		if err := o.File.Covers(infos); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrOptions, err)
		}
	}
	p := &Plan{Metadata: src.Metadata(), Split: o.Split, source: original, fileType: o.FileType, threads: max(1, o.Threads)}
	if !o.Verbatim {
		p.Metadata = o.metadata(src.Metadata())
	}
	r := recipe.New(o.FileType, original.Metadata(), infos, o.Options)
	for i, t := range tensors {
		d, err := r.Next(infos[i])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrOptions, err)
		}
		target := Target{TensorInfo: infos[i], Source: infos[i].Type, Reason: d.Reason, Fallback: d.Fallback, Eligible: d.Eligible,
			src: t, sourceName: sourceName(infos[i].Name)}
		target.Type = d.Type
		if !o.Verbatim {
			target.Shape = target.Shape[:target.Dims()] // llama-quantize writes no trailing ones
		}
		if err := o.check(&target); err != nil {
			return nil, err
		}
		p.Tensors = append(p.Tensors, target)
	}
	if idle := r.Idle(); len(idle) > 0 {
		return nil, fmt.Errorf("%w: %s", ErrOptions, strings.Join(idle, "; "))
	}
	for _, c := range o.Clients {
		if err := c.Refuses(p.Metadata.Architecture(), p.infos()); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrOptions, err)
		}
	}
	p.notes = r.Notes()
	if o.NoteClients && len(o.Clients) == 0 {
		p.notes = append(p.notes, clients.Unread(p.Metadata.Architecture(), p.infos())...)
	}
	if o.HasImatrix && !p.weighted() {
		p.notes = append(p.notes, fmt.Sprintf("--imatrix has no effect on the tensors, since no type in the output uses importance weights (file type %s); the metadata records it", o.FileType))
	}
	return p, nil
}

// validate refuses options that contradict each other, and models whose header lacks what the rules ask.
func (o *Options) validate(md *gguf.Metadata) error {
	switch {
	case !o.FileType.Valid():
		return fmt.Errorf("%w: unknown file type %v", ErrOptions, o.FileType)
	case o.Verbatim && o.FileType != recipe.Copy:
		return fmt.Errorf("%w: a verbatim copy cannot be of file type %v", ErrOptions, o.FileType)
	case len(o.IncludeWeights) > 0 && len(o.ExcludeWeights) > 0:
		return fmt.Errorf("%w: --include-weights cannot be combined with --exclude-weights", ErrOptions)
	case o.File != nil && o.FileType != o.File.FileType:
		return fmt.Errorf("%w: the recipe is for file type %v, not %v", ErrOptions, o.File.FileType, o.FileType)
	case o.File != nil && (o.Pure || o.LeaveOutputTensor || o.KeepQuantized || o.OutputTensorType != nil || o.TokenEmbeddingType != nil || len(o.TensorTypes) > 0):
		return fmt.Errorf("%w: a recipe sets every tensor's type: it cannot be combined with options that choose types", ErrOptions)
	case o.FileType == recipe.Copy:
		return nil
	}
	arch := md.Architecture()
	if arch == "" {
		return fmt.Errorf("%w: metadata general.architecture is missing: this is not a model that can be quantized", gguf.ErrInput)
	}
	if n, ok := md.Int(arch + ".block_count"); !ok || n < 0 || n > math.MaxInt32 {
		return fmt.Errorf("%w: metadata %s.block_count is missing or invalid: the rules for layers need it", gguf.ErrInput, arch)
	}
	return nil
}

// check finds what would fail in Run, and the tensor's weights.
func (o *Options) check(t *Target) error {
	if t.Type == t.Source {
		return nil
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: tensor %s: %s", ErrOptions, t.Name, fmt.Sprintf(format, args...))
	}
	if _, ok := codec.For(t.Source); !ok {
		return bad("carat cannot decode %s", t.Source)
	}
	enc, ok := codec.For(t.Type)
	if !ok {
		return bad("carat cannot encode %s yet", t.Type)
	}
	if enc.Activations {
		return bad("%s is a format of activations, not of files: choose another type", t.Type)
	}
	if t.Source.Quantized() && !o.AllowRequantize {
		return hint.Wrap(bad("already quantized to %s; quantizing it again to %s costs quality", t.Source, t.Type),
			"start from the original, keep such tensors with --keep-quantized, or accept the loss with --allow-requantize")
	}
	if !t.Type.Quantized() {
		return nil
	}
	if err := o.columnImportance(t); err != nil {
		return err
	}
	if t.weights == nil && o.needsWeights(t) {
		return fmt.Errorf("%w: %s needs an importance matrix for %s: pass --imatrix, or --calibration to quantize or build, or choose a type with more bits", ErrOptions, t.Type, t.Name)
	}
	return nil
}
