package quantize

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/recipe"
	"golang.org/x/sync/errgroup"
)

// chunkElements bounds what a worker holds: about 1 MiB of float32, but at least one row.
const chunkElements = 1 << 18

// Run writes the plan to path, or to the files of a split named after it (Paths). progress, if not nil, is called
// from the workers with the bytes of the source read so far and in all. When ctx ends or anything fails, nothing
// is left.
func (p *Plan) Run(ctx context.Context, path string, progress func(done, total int64)) error {
	var total int64
	for _, t := range p.Tensors {
		total += t.src.Info().Bytes()
	}
	w, err := gguf.CreateSplit(path, p.Metadata, p.infos(), p.Split)
	if err != nil {
		return err
	}
	if err := p.write(ctx, w, total, progress); err != nil {
		return errors.Join(err, w.Abort())
	}
	return w.Commit()
}

// Write writes src to path as it is: the same metadata, tensors and types in the same order. It is Run of a
// plan that changes nothing.
func Write(ctx context.Context, src gguf.Model, path string, threads int, progress func(done, total int64)) error {
	p, err := NewPlan(src, Options{FileType: recipe.Copy, Verbatim: true, Threads: threads})
	if err != nil {
		return err
	}
	return p.Run(ctx, path, progress)
}

func (p *Plan) write(ctx context.Context, w *gguf.Writer, total int64, progress func(done, total int64)) error {
	queue := &chunks{plan: p}
	var done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	// One worker more than threads: while one waits for the disk the others compute.
	for range p.threads + 1 {
		group.Go(func() error {
			var b buffers
			for {
				if err := ctx.Err(); err != nil {
					return err
				}
				c, ok := queue.next()
				if !ok {
					return nil
				}
				read, err := b.convert(w, c)
				if err != nil {
					return err
				}
				if n := done.Add(read); progress != nil {
					progress(n, total)
				}
			}
		})
	}
	return group.Wait()
}

// chunk is some rows of a tensor.
type chunk struct {
	target   *Target
	index    int // of the tensor in the output
	row, end int64
}

// chunks hands out the plan's work from front to back.
type chunks struct {
	mu    sync.Mutex
	plan  *Plan
	index int
	row   int64
}

func (q *chunks) next() (chunk, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.index == len(q.plan.Tensors) {
		return chunk{}, false
	}
	t := &q.plan.Tensors[q.index]
	n := max(1, chunkElements/t.Cols())
	end := min(q.row+n, t.Rows())
	if len(t.Shape) > 2 && t.weights != nil {
		// Each expert has weights of its own: a chunk stays within one.
		end = min(end, (q.row/t.Shape[1]+1)*t.Shape[1])
	}
	c := chunk{t, q.index, q.row, end}
	if q.row = end; end == t.Rows() {
		q.index, q.row = q.index+1, 0
	}
	return c, true
}

// buffers are a worker's, reused for every chunk.
type buffers struct {
	src, dst        []byte
	values, decoded []float32
}

// grow returns b with length n, allocated anew only when it is too small.
func grow[T any](b *[]T, n int64) []T {
	if int64(cap(*b)) < n {
		*b = make([]T, n)
	}
	*b = (*b)[:n]
	return *b
}

// convert reads, checks, encodes and writes a chunk; it returns the bytes read.
func (b *buffers) convert(w *gguf.Writer, c chunk) (int64, error) {
	t, n := c.target, c.end-c.row
	in := t.src.Info()
	src := grow(&b.src, n*in.RowBytes())
	if err := t.src.ReadRows(src, c.row, n); err != nil {
		return 0, err
	}
	out := src
	if dec, ok := codec.For(in.Type); ok {
		values := grow(&b.values, n*in.Cols())
		dec.Decode(values, src)
		largest, err := check(t, values, c.row)
		if err != nil {
			return 0, err
		}
		if t.Type != in.Type {
			if out, err = b.encode(c, values, largest); err != nil {
				return 0, err
			}
		}
	}
	return int64(len(src)), w.WriteAt(c.index, out, c.row*t.RowBytes())
}

const (
	// largeValue is where half-precision scales may begin to overflow: they reach 65504, and no format's scale
	// is more than twice its largest element.
	largeValue = 1 << 15
	// hugeValue is beyond what any scale can reach (65504*128*32 in Q6_K, less in the others). From there on
	// the sums in the encoders overflow too, and what they then give can be finite and wrong.
	hugeValue = 1 << 40
)

// encode returns the chunk in the target's type. Where the result could overflow, by large values or by
// weights that leave an encoder nothing to divide by, it is decoded again and checked.
func (b *buffers) encode(c chunk, values []float32, largest float32) ([]byte, error) {
	t, n := c.target, c.end-c.row
	enc, _ := codec.For(t.Type) // there is one: the plan was checked
	out := grow(&b.dst, n*t.RowBytes())
	weights := t.columnWeights(c.row)
	enc.Encode(out, values, int(t.Cols()), weights)
	if largest < largeValue && weights == nil {
		return out, nil
	}
	decoded := grow(&b.decoded, n*t.Cols())
	enc.Decode(decoded, out)
	if largest <= hugeValue && finite(codec.Largest(decoded)) {
		return out, nil
	}
	for i, v := range decoded {
		if x := values[i]; !finite(v) || t.Type.Quantized() && (x > hugeValue || x < -hugeValue) {
			return nil, fmt.Errorf("%w: %s is %v: overflow: values of up to %v do not fit %s; use BF16 or F32 for this tensor",
				gguf.ErrInput, t.place(c.row, i), x, largest, t.Type)
		}
	}
	return out, nil
}

// columnWeights are those of the expert that row belongs to.
func (t *Target) columnWeights(row int64) []float32 {
	if t.weights == nil {
		return nil
	}
	expert := int64(0)
	if len(t.Shape) > 2 {
		expert = row / t.Shape[1] % t.Shape[2]
	}
	return t.weights[expert*t.Cols():][:t.Cols()]
}

// check refuses NaN and infinities, which no model should carry on, and returns the largest magnitude.
func check(t *Target, values []float32, row int64) (largest float32, err error) {
	if largest = codec.Largest(values); finite(largest) {
		return largest, nil
	}
	i := slices.IndexFunc(values, func(v float32) bool { return !finite(v) })
	return 0, fmt.Errorf("%w: %s is %v: not finite; the model is broken, or it was damaged", gguf.ErrInput, t.place(row, i), values[i])
}

func finite(v float32) bool { return v <= math.MaxFloat32 && v >= -math.MaxFloat32 }

// place names element i of a chunk that begins at row.
func (t *Target) place(row int64, i int) string {
	return fmt.Sprintf("tensor %s: row %d column %d", t.Name, row+int64(i)/t.Cols(), int64(i)%t.Cols())
}
