package verify

import (
	"cmp"
	"context"
	"math"
	"sync/atomic"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"golang.org/x/sync/errgroup"
)

// ValueError is how far the values of B are from those of A. Sums are float64 in the order of elements.
type ValueError struct {
	RMSE     float64 // root mean squared difference
	Relative float64 // RMSE divided by the root mean square of A; 0 where both are zero
	MaxAbs   float64 // largest difference
	Cosine   float64 // of the angle between A and B as vectors; 1 where both are zero
}

// chunkElements bounds what is decoded at a time; a chunk has at least one row.
const chunkElements = 1 << 18

// CompareValues decodes two tensors of the same shape. ok is false when the type of one cannot be decoded.
// read, if not nil, is told the bytes of each chunk of a.
func CompareValues(ctx context.Context, a, b gguf.Tensor, read func(n int64)) (e ValueError, ok bool, err error) {
	ra, okA := newRows(a)
	rb, okB := newRows(b)
	if !okA || !okB {
		return e, false, nil
	}
	var diff, aa, bb, ab float64
	for first := int64(0); first < ra.info.Rows(); first += ra.step {
		if err := ctx.Err(); err != nil {
			return e, true, err
		}
		x, err := ra.read(first)
		if err != nil {
			return e, true, err
		}
		y, err := rb.read(first)
		if err != nil {
			return e, true, err
		}
		for i, v := range x {
			v, w := float64(v), float64(y[i])
			d := v - w
			diff += float64(d * d)
			aa += float64(v * v)
			bb += float64(w * w)
			ab += float64(v * w)
			// Not max: a NaN must stay visible.
			if d = math.Abs(d); d > e.MaxAbs || math.IsNaN(d) {
				e.MaxAbs = d
			}
		}
		if read != nil {
			read(int64(len(ra.data)))
		}
	}
	n := float64(ra.info.Elements())
	e.RMSE = math.Sqrt(diff / n)
	if diff != 0 {
		e.Relative = math.Sqrt(diff / aa)
	}
	switch {
	case aa == 0 && bb == 0:
		e.Cosine = 1
	case aa == 0 || bb == 0:
		e.Cosine = 0
	default:
		e.Cosine = ab / math.Sqrt(aa) / math.Sqrt(bb)
	}
	return e, true, nil
}

// rows decodes a tensor chunk by chunk, into buffers that are used again.
type rows struct {
	t      gguf.Tensor
	info   gguf.TensorInfo
	codec  *codec.Codec
	step   int64 // rows in a chunk
	data   []byte
	values []float32
}

// newRows returns false for types that cannot be decoded. Tensors of one shape have the same chunks.
func newRows(t gguf.Tensor) (*rows, bool) {
	i := t.Info()
	c, ok := codec.For(i.Type)
	return &rows{t: t, info: i, codec: c, step: max(1, chunkElements/i.Cols())}, ok
}

// read decodes the chunk that begins at row first. It is valid until the next call.
func (r *rows) read(first int64) ([]float32, error) {
	return r.readRows(first, min(r.step, r.info.Rows()-first))
}

func (r *rows) readRows(first, n int64) ([]float32, error) {
	r.data = grow(r.data, n*r.info.RowBytes())
	if err := r.t.ReadRows(r.data, first, n); err != nil {
		return nil, err
	}
	r.values = grow(r.values, n*r.info.Cols())
	r.codec.Decode(r.values, r.data)
	return r.values, nil
}

func grow[T any](b []T, n int64) []T {
	if int64(cap(b)) < n {
		return make([]T, n)
	}
	return b[:n]
}

// CompareAll is CompareValues for every change of a tensor that both models have in one shape; nil stands for
// the others, and for types that cannot be decoded.
func CompareAll(ctx context.Context, a, b gguf.Model, changes []gguf.TensorChange, threads int, progress gguf.Progress) ([]*ValueError, error) {
	inA, inB := byName(a), byName(b)
	var done atomic.Int64
	var total int64
	for _, c := range changes {
		if c.SameShape() {
			total += c.A.Bytes()
		}
	}
	out := make([]*ValueError, len(changes))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, threads))
	for i, c := range changes {
		if !c.SameShape() {
			continue
		}
		group.Go(func() error {
			e, ok, err := CompareValues(ctx, inA[c.Name], inB[c.Name], func(n int64) {
				if n := done.Add(n); progress != nil {
					progress(n, total)
				}
			})
			if ok {
				out[i] = &e
			}
			return err
		})
	}
	return out, cmp.Or(group.Wait(), gguf.Unchanged(a, b))
}

func byName(m gguf.Model) map[string]gguf.Tensor {
	out := map[string]gguf.Tensor{}
	for _, t := range m.Tensors() {
		out[t.Info().Name] = t
	}
	return out
}
