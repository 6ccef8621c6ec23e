package verify

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/imatrix"
	"golang.org/x/sync/errgroup"
)

// Options say what Verify does beyond looking at the model itself.
type Options struct {
	// Source is what the model was made from, or nil. Tensors of it are encoded again.
	Source  gguf.Model
	Sample  int    // number of tensors, 0 for all
	Seed    uint64 // chooses them: the same seed and model give the same tensors
	Imatrix *imatrix.Matrix
	// Loads says why m would be refused by what evaluates models, nil when it would not; gguf.ErrUnsupported when that
	// is no fault of m. Without Loads only the rules that hold for every architecture are applied.
	Loads func(m gguf.Model) error
	// Chat says why a model's chat templates cannot be used, nil when they can: a note, since programs differ in what they render.
	Chat    func(md *gguf.Metadata) error
	Threads int
}

// Report is what Verify found. The model is sound when there are no Findings.
type Report struct {
	Tensors  int       `json:"tensors"`
	Bytes    int64     `json:"tensor_bytes"`
	Decoded  int       `json:"decoded"`  // tensors whose values were all looked at
	Findings []Finding `json:"findings"` // in the order of tensors, for any number of threads
	// Notes are no faults: what could not be looked at, what is unusual.
	Notes  []string        `json:"notes"`
	Sample []SampledTensor `json:"sample,omitempty"`
}

// Finding is a fault.
type Finding struct {
	Check   string `json:"check"` // metadata, contents or source
	Tensor  string `json:"tensor,omitempty"`
	Row     *int64 `json:"row,omitempty"`
	Column  *int64 `json:"column,omitempty"`
	Message string `json:"message"`
}

// Verify checks m, whose structure the reader has checked already. An error means that it could not be done;
// faults are findings.
func Verify(ctx context.Context, m gguf.Model, o Options, progress gguf.Progress) (*Report, error) {
	r := &Report{Tensors: len(m.Tensors())}
	r.Findings, r.Notes = checkMetadata(m, o.Loads)
	if o.Chat != nil {
		if err := o.Chat(m.Metadata()); err != nil {
			r.Notes = append(r.Notes, "chat: "+fault(err))
		}
	}
	plan, err := o.sample(m, r)
	if err != nil {
		return nil, err
	}
	for _, t := range m.Tensors() {
		r.Bytes += t.Info().Bytes()
	}
	var done atomic.Int64
	total := r.Bytes
	for _, s := range plan {
		total += s.source.Info().Bytes()
	}
	read := func(n int64) {
		if n := done.Add(n); progress != nil {
			progress(n, total)
		}
	}
	found := make([]contents, len(m.Tensors()))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, o.Threads))
	for i, t := range m.Tensors() {
		group.Go(func() (err error) { found[i], err = look(gctx, t, read); return err })
	}
	for _, s := range plan {
		group.Go(func() error { return s.encode(gctx, o.Imatrix, read) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if err := gguf.Unchanged(m, o.Source); err != nil {
		return nil, err
	}
	r.addContents(m, found)
	for _, s := range plan {
		r.Sample = append(r.Sample, s.SampledTensor)
		if f := s.finding(); f != nil {
			r.Findings = append(r.Findings, *f)
		}
	}
	return r, nil
}

// contents is what a tensor holds.
type contents struct {
	decoded   bool
	bad       int64 // values that are not finite
	row, col  int64 // of the first of them
	value     float32
	allZero   bool
	undecoded bool // floats in blocks that this carat does not decode
}

// look decodes every block. Scales that are not finite show in the values, since 0 times infinity is NaN.
func look(ctx context.Context, t gguf.Tensor, read func(n int64)) (contents, error) {
	c := contents{allZero: true}
	info := t.Info()
	if _, ok := codec.For(info.Type); !ok {
		switch info.Type {
		case gguf.I8, gguf.I16, gguf.I32, gguf.I64:
		default:
			c.undecoded = true
		}
		read(info.Bytes())
		return c, nil
	}
	c.decoded = true
	r, _ := newRows(t)
	for first := int64(0); first < info.Rows(); first += r.step {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		values, err := r.read(first)
		if err != nil {
			return c, err
		}
		for i, v := range values {
			c.allZero = c.allZero && v == 0
			if v <= math.MaxFloat32 && v >= -math.MaxFloat32 {
				continue
			}
			if c.bad == 0 {
				c.row, c.col, c.value = first+int64(i)/info.Cols(), int64(i)%info.Cols(), v
			}
			c.bad++
		}
		read(int64(len(r.data)))
	}
	return c, nil
}

// addContents turns what was seen into findings and notes.
func (r *Report) addContents(m gguf.Model, found []contents) {
	undecoded := map[gguf.Type]int{}
	var types []gguf.Type
	for i, t := range m.Tensors() {
		info, c := t.Info(), found[i]
		if c.decoded {
			r.Decoded++
		}
		if c.undecoded {
			if undecoded[info.Type]++; undecoded[info.Type] == 1 {
				types = append(types, info.Type)
			}
		}
		if c.bad > 0 {
			msg := fmt.Sprintf("is %v: not finite; %d of %d values are so", c.value, c.bad, info.Elements())
			r.Findings = append(r.Findings, Finding{"contents", info.Name, &c.row, &c.col, msg})
		}
		// Holes of an interrupted download read as zeros. Biases may well be zero.
		if c.decoded && c.allZero && info.Dims() > 1 {
			r.Notes = append(r.Notes, fmt.Sprintf("tensor %s: every value is 0", info.Name))
		}
	}
	for _, typ := range types {
		r.Notes = append(r.Notes, fmt.Sprintf("%d tensors of type %s: values not checked, since carat cannot decode the type", undecoded[typ], typ))
	}
}
