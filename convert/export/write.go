package export

import (
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/quantize/codec"
)

// shard is a file of weights.
type shard struct {
	name    string
	header  []byte
	outputs []*output
	data    int64
	records []mlcRecord // of MLC's files
}

func (s *shard) size() int64 { return int64(len(s.header)) + s.data }

var dtypes = map[gguf.Type]string{gguf.F32: "F32", gguf.F16: "F16", gguf.BF16: "BF16"}

var torchTypes = map[gguf.Type]string{gguf.F32: "float32", gguf.F16: "float16", gguf.BF16: "bfloat16"}

// outType is the type of what is written.
func outType(name string, tensors []gguf.Tensor) (gguf.Type, error) {
	switch name {
	case "f32":
		return gguf.F32, nil
	case "f16":
		return gguf.F16, nil
	case "bf16":
		return gguf.BF16, nil
	case "auto", "":
	default:
		return 0, fmt.Errorf("%w %q; expected f32, f16, bf16 or auto", ErrOutType, name)
	}
	out := gguf.F32
	for _, t := range tensors {
		switch typ := t.Info().Type; {
		case typ == gguf.BF16:
			return gguf.BF16, nil
		case typ != gguf.F32:
			out = gguf.F16
		}
	}
	return out, nil
}

// ErrOutType is wrapped when Options.OutType names nothing known.
var ErrOutType = errors.New("unknown outtype")

func floatsOrBlocks(t gguf.Type) bool {
	_, ok := codec.For(t)
	return ok
}

func decode(t gguf.Type, dst []float32, raw []byte) {
	c, _ := codec.For(t)
	c.Decode(dst, raw)
}

// shard spreads tensors over files of at most limit bytes, and makes their headers and index.
func (p *Plan) shard(outputs []*output, limit int64) error {
	for _, o := range outputs {
		bytes := int64(0)
		o.fields = o.fieldsOf(p.Type)
		for i := range o.fields {
			bytes += o.fields[i].bytes()
		}
		if n := len(p.shards); n == 0 || p.shards[n-1].data > 0 && p.shards[n-1].data+bytes > limit {
			p.shards = append(p.shards, shard{})
		}
		s := &p.shards[len(p.shards)-1]
		s.outputs, s.data, p.Bytes = append(s.outputs, o), s.data+bytes, p.Bytes+bytes
	}
	where := map[string]string{}
	for i := range p.shards {
		s := &p.shards[i]
		s.name = "model.safetensors"
		if len(p.shards) > 1 {
			s.name = fmt.Sprintf("model-%05d-of-%05d.safetensors", i+1, len(p.shards))
		}
		type entry struct {
			DType   string   `json:"dtype"`
			Shape   []int64  `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}
		header, at := map[string]any{"__metadata__": map[string]string{"format": "pt"}}, int64(0)
		for _, width := range []int64{8, 4, 2, 1} { // so that all are aligned
			for _, f := range s.fields(width) {
				f.begin, at = at, at+f.bytes()
				header[f.name] = entry{f.dtype, f.shape, [2]int64{f.begin, f.begin + f.bytes()}}
				where[f.name] = s.name
			}
		}
		b, err := json.Marshal(header)
		if err != nil {
			return err
		}
		for len(b)%8 != 0 {
			b = append(b, ' ')
		}
		s.header = append(binary.LittleEndian.AppendUint64(nil, uint64(len(b))), b...)
	}
	if len(p.shards) < 2 {
		return nil
	}
	b, err := encode(map[string]any{"metadata": map[string]any{"total_size": p.Bytes}, "weight_map": where})
	p.small["model.safetensors.index.json"] = b
	return err
}

// fields are those whose elements have so many bytes.
func (s *shard) fields(width int64) (out []*field) {
	for _, o := range s.outputs {
		for i := range o.fields {
			if f := &o.fields[i]; safetensors.Width(f.dtype) == width {
				out = append(out, f)
			}
		}
	}
	return out
}

// write writes the header and the tensors, some at a time.
func (s *shard) write(ctx context.Context, f *atomicfile.File, typ gguf.Type, threads int) error {
	if _, err := f.WriteAt(s.header, 0); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	next := make(chan *output)
	for range threads {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for o := range next {
				w := writer{f, int64(len(s.header)), typ, o}
				if err := w.write(ctx); err != nil {
					cancel(fmt.Errorf("tensor %s: %w", o.name, err))
				}
			}
		}()
	}
	for _, o := range s.outputs {
		if ctx.Err() != nil {
			break
		}
		next <- o
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// writer writes one tensor to a file whose data begin at a place.
type writer struct {
	f     *atomicfile.File
	begin int64
	typ   gguf.Type
	o     *output
}

// stepBytes is about what is read, and held as float32, at a time.
const stepBytes = 4 << 20

func (w writer) write(ctx context.Context) error {
	for _, f := range w.o.fields {
		if f.content != nil {
			if _, err := w.f.WriteAt(f.content, w.begin+f.begin); err != nil {
				return err
			}
		}
	}
	for i := range w.o.parts {
		p := &w.o.parts[i]
		in := p.src.Info()
		step := max(1, stepBytes/(4*in.Cols()))
		if p.Transpose {
			step = p.rows // its columns are rows of what is written
		}
		for row := int64(0); row < p.rows; row += step {
			if err := ctx.Err(); err != nil {
				return err
			}
			n := min(step, p.rows-row)
			if w.o.carried {
				if err := w.carry(p, row, n); err != nil {
					return err
				}
				continue
			}
			values, err := p.read(row, n)
			if err != nil {
				return err
			}
			if p.Transpose {
				values = transposed(values, in.Cols())
			}
			if err := w.encode(p, values, row*in.Cols()); err != nil {
				return err
			}
		}
	}
	return nil
}

// read decodes rows, and undoes what conversion did to their values.
func (p *part) read(row, n int64) ([]float32, error) {
	in := p.src.Info()
	raw := make([]byte, n*in.RowBytes())
	if err := p.src.ReadRows(raw, p.first+row, n); err != nil {
		return nil, err
	}
	values := make([]float32, n*in.Cols())
	decode(in.Type, values, raw)
	if p.Undo == nil {
		return values, nil
	}
	before := slices.Clone(values)
	p.Undo(values)
	again := slices.Clone(values)
	p.Values(again)
	if i := slices.IndexFunc(again, func(v float32) bool { return v != v }); i >= 0 || !slices.Equal(again, before) {
		return nil, fmt.Errorf("%w: %s: what conversion did to its values cannot be undone without changing them", gguf.ErrInput, in.Name)
	}
	return values, nil
}

// transposed is a matrix of rows of cols elements the other way round.
func transposed(x []float32, cols int64) []float32 {
	rows := int64(len(x)) / cols
	out := make([]float32, len(x))
	for i, v := range x {
		out[int64(i)%cols*rows+int64(i)/cols] = v
	}
	return out
}

// moved is a run of what was read, and where it goes.
type moved struct{ from, to int64 }

// encode writes values, which begin with an element of the part, where they belong.
func (w writer) encode(p *part, values []float32, first int64) error {
	if w.o.change != nil {
		w.o.change(values)
	}
	if w.o.rows != nil {
		return w.quantize(p, values, first)
	}
	if w.typ == gguf.F16 && codec.Largest(values) > math.Nextafter32(65520, 0) {
		return fmt.Errorf("%w: %s has values beyond 65504, the most that F16 holds: use bf16 or f32", gguf.ErrInput, p.Name)
	}
	raw := make([]byte, int64(len(values))*w.typ.RowBytes(1))
	c, _ := codec.For(w.typ)
	c.Encode(raw, values, len(values), nil)
	begin := w.begin + w.o.fields[0].begin
	if p.Order == nil {
		_, err := w.f.WriteAt(raw, begin+first*w.typ.RowBytes(1))
		return err
	}
	return w.place(p, raw, p.run()*w.typ.RowBytes(1), first/p.run(), begin)
}

// quantize writes rows as codes and scales.
func (w writer) quantize(p *part, values []float32, first int64) error {
	cols := w.o.shape[1]
	if p.Order != nil && p.run() != cols {
		return fmt.Errorf("%w: %s: its rows are not those of %s, which therefore cannot be quantized", gguf.ErrInput, p.Name, w.o.name)
	}
	return w.quantized(p, first/cols, int64(len(values))/cols, func(i int64) (codes, scales []byte, err error) {
		return w.o.rows.encode(values[i*cols:][:cols], w.typ)
	})
}

// quantized writes n rows of the part, from number first on, of which row makes codes and scales.
func (w writer) quantized(p *part, first, n int64, row func(i int64) (codes, scales []byte, err error)) error {
	var codes, scales []byte
	for i := range n {
		c, sc, err := row(i)
		if err != nil {
			return err
		}
		codes, scales = append(codes, c...), append(scales, sc...)
	}
	for i, b := range [][]byte{codes, scales} {
		f := w.o.fields[i]
		if err := w.place(p, b, f.row, first, w.begin+f.begin); err != nil {
			return err
		}
	}
	return nil
}

// place writes runs of size bytes, the first of which is a run of the part, where the part's order puts them from begin on.
// Those that stand together there are written together.
func (w writer) place(p *part, raw []byte, size, first, begin int64) error {
	if p.Order == nil {
		_, err := w.f.WriteAt(raw, begin+first*size)
		return err
	}
	var order []moved
	for r := range int64(len(raw)) / size {
		if to := p.to(first + r); to >= 0 {
			order = append(order, moved{r, to})
		}
	}
	slices.SortFunc(order, func(a, b moved) int { return cmp.Compare(a.to, b.to) })
	for len(order) > 0 {
		n := 1
		for n < len(order) && order[n].to == order[n-1].to+1 {
			n++
		}
		together := make([]byte, 0, int64(n)*size)
		for _, m := range order[:n] {
			together = append(together, raw[m.from*size:][:size]...)
		}
		if _, err := w.f.WriteAt(together, begin+order[0].to*size); err != nil {
			return err
		}
		order = order[n:]
	}
	return nil
}
