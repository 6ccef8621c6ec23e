package allocate

import (
	"context"
	"fmt"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/hessian"
	"github.com/carat-llm/carat/quantize/round"
)

// Prober measures by how much predictions diverge, in nats, when a tensor that layer multiplies with has other weights
// (eval/sensitivity).
type Prober interface {
	Divergence(layer int, tensor string, t gguf.Type, data []byte) (float64, error)
}

// Tensor is what the choice of a tensor's type is made by.
type Tensor struct {
	gguf.TensorInfo
	// Sensitivity is the divergence in nats for each unit of the output's squared error for a token.
	Sensitivity float64
	// Types are the candidates, and Losses the squared errors of the output for a token that rounding to them leaves.
	Types  []gguf.Type
	Losses []float64
}

// probed is the type that sensitivities are measured with: an error that is as large as those of the candidates.
const probed = gguf.Q4_0

// Settings of Measure.
type Settings struct {
	round.Settings
	// Types lists the candidates for a tensor, which fit its rows and depend on their length only; none leaves it out.
	Types func(gguf.TensorInfo) []gguf.Type
	// Tokens are those of rt's text, which say how often each embedding is looked up.
	Tokens [][]int32
}

// Measure finds the losses and sensitivities of the tensors of src that rt multiplies with, and of embeddings that it looks up, in the model as it is. Losses come of the second
// moments of each layer's inputs over rt's text, and sensitivities of probes: a tensor's weights as Q4_0 while all others are what they
// are. Not all layers are probed (see probedEvery); the others have what lies between.
func Measure(ctx context.Context, src gguf.Model, rt round.Runtime, probe Prober, s Settings) ([]Tensor, error) {
	m := &measuring{Settings: s, rt: rt, probe: probe, targets: map[string]round.Target{}, types: map[string][]gguf.Type{}}
	var names []string
	for _, t := range src.Tensors() {
		info := t.Info()
		if types := s.Types(info); len(types) > 0 {
			m.targets[info.Name], m.types[info.Name] = round.Target{Tensor: t, Type: probed}, types
			names = append(names, info.Name)
		}
	}
	m.probed = probes(names)
	var all []Tensor
	for {
		tensors, err := m.layer(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, tensors...)
		if s.Done != nil {
			if err := s.Done(rt.Layer(), nil); err != nil {
				return nil, err
			}
		}
		if rt.Layer() == rt.Layers() {
			if t, ok, err := m.lookup(all); err != nil {
				return nil, err
			} else if ok {
				all = append(all, t)
			}
			interpolate(all, m.probed)
			return all, nil
		}
		if err := rt.Next(); err != nil {
			return nil, err
		}
	}
}

type measuring struct {
	Settings
	rt      round.Runtime
	probe   Prober
	targets map[string]round.Target
	types   map[string][]gguf.Type
	probed  map[string]bool // the tensors
}

// layer measures the tensors of the next layer.
func (m *measuring) layer(ctx context.Context) ([]Tensor, error) {
	var tensors []Tensor
	index, errors := map[string]int{}, map[string]float64{} // of the probe
	wanted := func(x hessian.Matrix) bool { _, ok := m.targets[x.Tensor]; return ok }
	err := hessian.Collect(ctx, m.rt, m.Chunks, m.Product, wanted, m.Memory, func(in *hessian.Input) error {
		types := m.types[in.Matrices[0].Tensor] // rows of one length have the same
		matrices := make([]round.Matrix, len(in.Matrices))
		for i, x := range in.Matrices {
			t := m.targets[x.Tensor]
			matrices[i] = t.Matrix(x.Expert)
			if _, ok := index[x.Tensor]; !ok {
				index[x.Tensor] = len(tensors)
				tensors = append(tensors, Tensor{TensorInfo: t.Info(), Types: types, Losses: make([]float64, len(types))})
			}
		}
		losses, err := round.Losses(in, matrices, types, false, m.Options)
		if err != nil {
			return err
		}
		for i, x := range in.Matrices {
			for k, l := range losses[i] {
				tensors[index[x.Tensor]].Losses[k] += l
			}
		}
		if !slices.ContainsFunc(in.Matrices, func(x hessian.Matrix) bool { return m.probed[x.Tensor] }) {
			return nil
		}
		plain, err := round.Losses(in, matrices, []gguf.Type{probed}, true, m.Options)
		if err != nil {
			return err
		}
		for i, x := range in.Matrices {
			errors[x.Tensor] += plain[i][0]
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for i := range tensors {
		t := &tensors[i]
		if !m.probed[t.Name] {
			continue
		}
		layer := m.rt.Layer()
		if t.Name == round.Embedding {
			layer = -1
		}
		data, err := m.targets[t.Name].Encode(probed, m.Options)
		if err != nil {
			return nil, err
		}
		d, err := m.probe.Divergence(layer, t.Name, probed, data)
		if err != nil {
			return nil, fmt.Errorf("tensor %s: %w", t.Name, err)
		}
		if e := errors[t.Name]; e > 0 {
			t.Sensitivity = d / e
		}
	}
	return tensors, nil
}

// Classes are the candidates of tensors as Solve takes them; bytes have the padding of files.
func Classes(tensors []Tensor) [][]Candidate {
	classes := make([][]Candidate, len(tensors))
	for i, t := range tensors {
		for k, typ := range t.Types {
			classes[i] = append(classes[i], Candidate{Bytes: Padded(t.TensorInfo, typ), Cost: t.Sensitivity * t.Losses[k]})
		}
	}
	return classes
}

// Padded is the number of bytes that a tensor takes in a file as type t.
func Padded(info gguf.TensorInfo, t gguf.Type) int64 {
	info.Type = t
	return (info.Bytes() + alignment - 1) / alignment * alignment
}

// alignment is that of GGUF files, which carat writes without another.
const alignment = 32

// Pool lists the types that fit rows of cols weights, from which candidates are chosen: those whose levels rounding can
// choose, without the few that never are the best of their size, and without IQ3_XXS, which recipes may not name unless there is
// importance.
func Pool(cols int64) (types []gguf.Type) {
	for _, t := range []gguf.Type{gguf.Q2_K, gguf.IQ3_S, gguf.Q3_K, gguf.IQ4_XS, gguf.IQ4_NL, gguf.Q4_K, gguf.Q4_0, gguf.Q4_1, gguf.Q5_0, gguf.Q5_K, gguf.Q5_1, gguf.Q6_K, gguf.Q8_0} {
		if cols%int64(t.BlockSize()) == 0 {
			types = append(types, t)
		}
	}
	return types
}
