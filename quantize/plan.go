// Package quantize turns one model into another: a Plan says what each tensor becomes, from headers alone,
// and Run reads, encodes and writes it in a stream.
//
// The plan's order, types and metadata are llama-quantize's, and so are the bytes that Run writes, for any
// number of threads. Work is done in chunks of rows by a fixed set of workers with buffers of their own: the
// memory needed is workers x chunk, whatever the size of the model or of its largest tensor.
package quantize

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/gguf"
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

	// Verbatim keeps the order of tensors and the metadata; with FileType recipe.Copy the model is written
	// as it is.
	Verbatim bool
	// Imatrix holds importance weights, or is nil. Entries that IncludeWeights and ExcludeWeights leave out
	// (parts of names) are dropped from it.
	Imatrix        *imatrix.Matrix
	ImatrixName    string // for the metadata, as given by the user
	IncludeWeights []string
	ExcludeWeights []string
	// AllowRequantize accepts sources that are quantized already.
	AllowRequantize bool
	// OverrideKV is set in the output's metadata, after everything else.
	OverrideKV []gguf.KV
	// Threads is the number of workers, at least 1.
	Threads int
}

// Plan is what becomes of a model.
type Plan struct {
	Metadata *gguf.Metadata
	Tensors  []Target
	threads  int
}

// Target is a tensor of the output; its TensorInfo is the output's.
type Target struct {
	gguf.TensorInfo
	Source gguf.Type // the type it has in the source
	// Reason names the rule that chose the type.
	Reason   string
	Fallback bool

	src     gguf.Tensor
	weights []float32 // cols x experts, or nil
}

// NewPlan decides everything from headers.
func NewPlan(src gguf.Model, o Options) (*Plan, error) {
	if o.Imatrix != nil {
		o.Imatrix.Filter(o.keepsWeights)
		o.HasImatrix = o.Imatrix.Len() > 0
	}
	tensors := slices.Clone(src.Tensors())
	if !o.Verbatim {
		slices.SortStableFunc(tensors, func(a, b gguf.Tensor) int { return recipe.Compare(a.Info().Name, b.Info().Name) })
	}
	infos := make([]gguf.TensorInfo, len(tensors))
	for i, t := range tensors {
		infos[i] = t.Info()
	}
	p := &Plan{Metadata: src.Metadata(), threads: max(1, o.Threads)}
	if !o.Verbatim {
		p.Metadata = o.metadata(src.Metadata())
	}
	r := recipe.New(o.FileType, src.Metadata(), infos, o.Options)
	for i, t := range tensors {
		d, err := r.Next(infos[i])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrOptions, err)
		}
		target := Target{TensorInfo: infos[i], Source: infos[i].Type, Reason: d.Reason, Fallback: d.Fallback, src: t}
		target.Type = d.Type
		if err := o.check(&target); err != nil {
			return nil, err
		}
		p.Tensors = append(p.Tensors, target)
	}
	return p, nil
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
		return bad("this carat does not decode %s", t.Source)
	}
	if _, ok := codec.For(t.Type); !ok {
		return bad("this carat does not encode %s yet", t.Type)
	}
	if t.Source.Quantized() && !o.AllowRequantize {
		return bad("is %s already, and quantizing it again to %s costs quality: start from the original, or allow it (--allow-requantize)", t.Source, t.Type)
	}
	if !t.Type.Quantized() {
		return nil
	}
	if o.Imatrix != nil {
		experts := int64(1)
		if len(t.Shape) > 2 {
			experts = t.Shape[2]
		}
		w, err := o.Imatrix.Weights(t.Name, t.Cols()*experts)
		if err != nil && t.Name != "token_embd.weight" {
			return err
		}
		t.weights = w
	}
	if o.FileType == recipe.Q2_K_S && t.Type == gguf.Q2_K && t.weights == nil && !isEmbedding(t.Name) {
		return bad("Q2_K_S needs importance weights for it, and there are none: give --imatrix, or use Q2_K")
	}
	return nil
}

func isEmbedding(name string) bool {
	return name == "token_embd.weight" || name == "per_layer_token_embd.weight" || name == "output.weight"
}

func (o *Options) keepsWeights(name string) bool {
	has := func(parts []string) bool {
		return slices.ContainsFunc(parts, func(s string) bool { return strings.Contains(name, s) })
	}
	return (len(o.IncludeWeights) == 0 || has(o.IncludeWeights)) && !has(o.ExcludeWeights)
}

// metadata is the source's with what the reference appends, in its order.
func (o *Options) metadata(src *gguf.Metadata) *gguf.Metadata {
	md := src.Clone()
	for _, k := range []string{"split.no", "split.count", "split.tensors.count"} {
		md.Delete(k)
	}
	fileType := uint32(o.FileType)
	if o.FileType == recipe.Copy {
		v, _ := src.Int("general.file_type")
		fileType = uint32(v)
	}
	md.Append("general.quantization_version", uint32(2))
	md.Append("general.file_type", fileType)
	for _, kv := range o.OverrideKV {
		md.Set(kv.Key, kv.Value)
	}
	if o.HasImatrix {
		md.Set("quantize.imatrix.file", cut(o.ImatrixName))
		if len(o.Imatrix.Datasets) > 0 {
			md.Set("quantize.imatrix.dataset", cut(o.Imatrix.Datasets[0]))
		}
		md.Set("quantize.imatrix.entries_count", uint32(o.Imatrix.Len()))
		if o.Imatrix.Chunks > 0 {
			md.Set("quantize.imatrix.chunks_count", uint32(o.Imatrix.Chunks))
		}
	}
	return md
}

// cut shortens to the 127 bytes that the reference's overrides hold.
func cut(s string) string { return s[:min(len(s), 127)] }

// ParseOverrideKV reads "KEY=TYPE:VALUE" with TYPE int, float, bool or str. Integers become u32 of their
// magnitude, as the reference writes them.
func ParseOverrideKV(s string) (gguf.KV, error) {
	key, rest, ok := strings.Cut(s, "=")
	typ, val, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 || key == "" {
		return gguf.KV{}, fmt.Errorf("%q is not KEY=TYPE:VALUE", s)
	}
	var v any
	var err error
	switch typ {
	case "int":
		var n int64
		n, err = strconv.ParseInt(val, 10, 64)
		if err == nil && (n > 1<<32-1 || n < -(1<<32-1)) {
			err = errors.New("does not fit 32 bits")
		}
		v = uint32(max(n, -n))
	case "float":
		var f float64
		f, err = strconv.ParseFloat(val, 32)
		v = float32(f)
	case "bool":
		v = val == "true"
		if val != "true" && val != "false" {
			err = errors.New("is neither true nor false")
		}
	case "str":
		v = val
		if len(val) > 127 {
			err = errors.New("is longer than 127 bytes")
		}
	default:
		return gguf.KV{}, fmt.Errorf("%q: type %q is none of int, float, bool, str", s, typ)
	}
	if err != nil {
		return gguf.KV{}, fmt.Errorf("%q: %w", s, err)
	}
	return gguf.KV{Key: key, Value: v}, nil
}
