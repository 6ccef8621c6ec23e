package quantize

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"golang.org/x/sync/errgroup"
)

// chunkElements bounds what a worker holds: about 1 MiB of float32, but at least one row.
const chunkElements = 1 << 18

// Run writes the plan to path. progress, if not nil, is called from the workers with the bytes of the source
// read so far and in all. When ctx ends or anything fails, nothing is left at path.
func (p *Plan) Run(ctx context.Context, path string, progress func(done, total int64)) error {
	infos := make([]gguf.TensorInfo, len(p.Tensors))
	var total int64
	for i, t := range p.Tensors {
		infos[i] = t.TensorInfo
		total += t.src.Info().Bytes()
	}
	w, err := gguf.Create(path, p.Metadata, infos)
	if err != nil {
		return err
	}
	if err := p.write(ctx, w, total, progress); err != nil {
		return errors.Join(err, w.Abort())
	}
	return w.Commit()
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
	src, dst []byte
	values   []float32
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
		if err := check(t, values, c.row); err != nil {
			return 0, err
		}
		if t.Type != in.Type {
			enc, _ := codec.For(t.Type) // there is one: the plan was checked
			out = grow(&b.dst, n*t.RowBytes())
			enc.Encode(out, values, int(t.Cols()), t.columnWeights(c.row))
		}
	}
	return int64(len(src)), w.WriteAt(c.index, out, c.row*t.RowBytes())
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

// check refuses what no quantized model should carry on: NaN, infinities, and numbers that F16 cannot hold.
func check(t *Target, values []float32, row int64) error {
	const f16Limit = 65520 // rounds to infinity
	limit := float32(math.MaxFloat32)
	if t.Type == gguf.F16 {
		limit = f16Limit
	}
	for i, v := range values {
		if v < limit && v > -limit {
			continue
		}
		place := fmt.Sprintf("tensor %s: row %d column %d", t.Name, row+int64(i)/t.Cols(), int64(i)%t.Cols())
		switch {
		case v != v || math.IsInf(float64(v), 0):
			return fmt.Errorf("%w: %s is %v: not finite; the model is broken, or it was damaged", gguf.ErrInput, place, v)
		case t.Type == gguf.F16 && (v >= f16Limit || v <= -f16Limit):
			return fmt.Errorf("%w: %s is %v: overflow, F16 holds up to 65504; use BF16 or F32", gguf.ErrInput, place, v)
		}
	}
	return nil
}
