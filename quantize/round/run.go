package round

import (
	"context"
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/hessian"
)

// Runtime is a model that runs layer by layer over the chunks of a calibration text (runtime/model.Walk).
type Runtime interface {
	hessian.Looker
	// Layer is the number of the layer that comes next, Layers that of the output, which comes behind the last one.
	Layer() int
	Layers() int
	// Next evaluates the layer over all chunks and goes on.
	Next() error
	// SetWeights replaces the weights of a tensor in what comes.
	SetWeights(tensor string, t gguf.Type, data []byte) error
	// Restore gives a tensor its own weights again, so that those of SetWeights are not kept.
	Restore(tensor string) error
}

// Target is a tensor of the source and the type it is rounded to.
type Target struct {
	gguf.Tensor
	Type gguf.Type
	// Encoder, if not nil, encodes its rows: see Matrix.
	Encoder func(dst []byte, row, importance []float32)
}

// Tensor is a tensor that was rounded.
type Tensor struct {
	gguf.TensorInfo
	Data []byte
	// Matrices says how each matrix of the tensor was rounded; there is more than one when it is stacked of experts. Those
	// of experts that the text did not reach have no losses: they are what the encoder alone makes of them.
	Matrices []Rounded
}

// Settings of Run.
type Settings struct {
	Options
	Chunks int   // of the runtime's text
	Memory int64 // bytes for moments at a time; see hessian.Collect
	// Store keeps the layers that are done; nil keeps none.
	Store *Store
	// Done, if not nil, is called with the tensors of each layer, and of the output, once they are rounded.
	Done func(layer int, tensors []Tensor) error
}

// Run rounds the targets that rt multiplies with, layer by layer: the moments of a layer's inputs are those behind the layers
// that are rounded already, so that each makes good for the errors of those before it. Other targets, such as embeddings that are only
// looked up, are left out.
func Run(ctx context.Context, rt Runtime, targets []Target, s Settings) error {
	r := &run{Settings: s, rt: rt, targets: map[string]Target{}}
	for _, t := range targets {
		r.targets[t.Info().Name] = t
	}
	if err := r.embed(); err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		layer := rt.Layer()
		tensors, err := r.layer(ctx)
		if err != nil {
			return err
		}
		for _, t := range tensors {
			if err := rt.SetWeights(t.Name, t.Type, t.Data); err != nil {
				return err
			}
		}
		if s.Done != nil {
			if err := s.Done(layer, tensors); err != nil {
				return err
			}
		}
		if layer == rt.Layers() {
			return nil
		}
		if err := rt.Next(); err != nil {
			return err
		}
		// Nothing that comes multiplies with this layer's matrices.
		for _, t := range tensors {
			if err := rt.Restore(t.Name); err != nil {
				return err
			}
		}
	}
}

type run struct {
	Settings
	rt      Runtime
	targets map[string]Target
}

// Embedding is the matrix of embeddings, and the output's when that has none of its own.
const Embedding = "token_embd.weight"

// embed gives the layers embeddings as the encoder alone makes them. If they are the output's matrix, too, they are rounded for
// that, which comes last.
func (r *run) embed() error {
	t, ok := r.targets[Embedding]
	if !ok {
		return nil
	}
	data, err := t.Encode(t.Type, r.Options)
	if err != nil {
		return err
	}
	return r.rt.SetWeights(Embedding, t.Type, data)
}

// layer rounds the tensors of the runtime's next layer, or takes them from the store.
func (r *run) layer(ctx context.Context) ([]Tensor, error) {
	if r.Store != nil {
		if tensors, err := r.Store.load(r.rt.Layer()); tensors != nil || err != nil {
			return tensors, err
		}
	}
	var order []string
	done := map[string]*Tensor{}
	wanted := func(m hessian.Matrix) bool { _, ok := r.targets[m.Tensor]; return ok }
	err := hessian.Collect(ctx, r.rt, r.Chunks, r.Product, wanted, r.Memory, func(in *hessian.Input) error {
		matrices := make([]Matrix, len(in.Matrices))
		for i, m := range in.Matrices {
			t := r.targets[m.Tensor]
			matrices[i] = t.Matrix(m.Expert)
			if done[m.Tensor] == nil {
				order = append(order, m.Tensor)
				info := t.Info()
				info.Type = t.Type
				done[m.Tensor] = &Tensor{TensorInfo: info, Data: make([]byte, info.Bytes()), Matrices: make([]Rounded, int(info.Rows())/matrices[i].Rows)}
			}
		}
		rounded, err := Input(in, matrices, r.Options)
		if err != nil {
			return fmt.Errorf("tensor %s: %w", in.Matrices[0].Tensor, err)
		}
		for i, m := range in.Matrices {
			t := done[m.Tensor]
			copy(t.Data[m.Expert*len(rounded[i].Data):], rounded[i].Data)
			rounded[i].Data = nil
			t.Matrices[m.Expert] = rounded[i]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var tensors []Tensor
	for _, name := range order {
		t := done[name]
		if err := r.unseen(t); err != nil {
			return nil, err
		}
		tensors = append(tensors, *t)
	}
	if r.Store != nil {
		return tensors, r.Store.save(r.rt.Layer(), tensors)
	}
	return tensors, nil
}

// unseen encodes the experts that saw no token.
func (r *run) unseen(t *Tensor) error {
	target := r.targets[t.Name]
	rows := target.matrixRows()
	for e, m := range t.Matrices {
		if m.Shrinkage != 0 {
			continue
		}
		x := make([]float32, rows*int(t.Cols()))
		if err := target.read(x, e*rows, rows); err != nil {
			return err
		}
		encode, cols, bytes := target.Matrix(e).encoder(), int(t.Cols()), int(t.RowBytes())
		for i := range rows {
			encode(t.Data[(e*rows+i)*bytes:][:bytes], x[i*cols:][:cols], nil)
		}
		t.Matrices[e].Shrinkage = 1
	}
	return nil
}

// Matrix is that of an expert, or the only one.
func (t Target) Matrix(expert int) Matrix {
	rows := t.matrixRows()
	return Matrix{Type: t.Type, Rows: rows, Read: func(dst []float32, first, n int) error { return t.read(dst, expert*rows+first, n) }, Encode: t.Encoder}
}

// Encode returns the whole tensor as the encoder of typ makes it, without importance.
func (t Target) Encode(typ gguf.Type, o Options) ([]byte, error) {
	info, source := t.Info(), t.Info()
	info.Type = typ
	c, ok := codec.For(typ)
	if !ok {
		return nil, fmt.Errorf("%w: carat cannot encode %s", gguf.ErrUnsupported, typ)
	}
	data := make([]byte, info.Bytes())
	x := make([]float32, height*int(info.Cols()))
	for first := 0; first < int(source.Rows()); first += height {
		n := min(height, int(source.Rows())-first)
		x := x[:n*int(info.Cols())]
		if err := t.read(x, first, n); err != nil {
			return nil, err
		}
		o.each(n, func(row int) {
			c.Encode(data[int64(first+row)*info.RowBytes():][:info.RowBytes()], x[row*int(info.Cols()):][:info.Cols()], int(info.Cols()), nil)
		})
	}
	return data, nil
}

// matrixRows is the number of rows of a matrix: of one expert's when the tensor is stacked.
func (t Target) matrixRows() int {
	if s := t.Info().Shape; len(s) > 1 {
		return int(s[1])
	}
	return 1
}

// read decodes n rows from number first on.
func (t Target) read(dst []float32, first, n int) error {
	info := t.Info()
	c, ok := codec.For(info.Type)
	if !ok {
		return fmt.Errorf("%w: tensor %s: carat cannot decode %s", gguf.ErrUnsupported, info.Name, info.Type)
	}
	raw := make([]byte, int64(n)*info.RowBytes())
	if err := t.ReadRows(raw, int64(first), int64(n)); err != nil {
		return err
	}
	c.Decode(dst[:n*int(info.Cols())], raw)
	if v := codec.Largest(dst[:n*int(info.Cols())]); v-v != 0 {
		return fmt.Errorf("%w: tensor %s: rows %d to %d have elements that are not finite; the model is broken or damaged", gguf.ErrInput, info.Name, first, first+n-1)
	}
	return nil
}
