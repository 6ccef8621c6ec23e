package verify

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/imatrix"
)

// SampledTensor is a tensor that was encoded again from the source.
type SampledTensor struct {
	Name       string `json:"name"`
	SourceType string `json:"source_type"`
	Type       string `json:"type"`
	Equal      bool   `json:"equal"`
	// Weighted says that the importance matrix was used for it.
	Weighted bool `json:"weighted"`
}

// sampled is a SampledTensor under way.
type sampled struct {
	SampledTensor
	tensor, source gguf.Tensor
	row            int64 // the first that differs
}

// sample chooses the tensors to encode again, in the order of the file: of those whose type is not the source's as
// many as asked for, and others only when these are too few. What the source lacks, or has more, is a finding.
func (o *Options) sample(m gguf.Model, r *Report) ([]*sampled, error) {
	if o.Source == nil {
		return nil, nil
	}
	if err := o.needsImatrix(m.Metadata()); err != nil {
		return nil, err
	}
	source := byName(o.Source)
	var changed, same []int
	unencodable := 0
	for i, t := range m.Tensors() {
		info := t.Info()
		s, ok := source[info.Name]
		delete(source, info.Name)
		if !ok {
			r.Findings = append(r.Findings, Finding{Check: "source", Tensor: info.Name, Message: "the source has no such tensor"})
			continue
		}
		from := s.Info()
		if !slices.Equal(from.Shape[:from.Dims()], info.Shape[:info.Dims()]) {
			msg := fmt.Sprintf("has shape %v, the source's has %v", info.Shape, from.Shape)
			r.Findings = append(r.Findings, Finding{Check: "source", Tensor: info.Name, Message: msg})
			continue
		}
		_, decodes := codec.For(from.Type)
		_, encodes := codec.For(info.Type)
		switch {
		case from.Type == info.Type:
			same = append(same, i)
		case decodes && encodes:
			changed = append(changed, i)
		default:
			unencodable++
		}
	}
	if unencodable > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("%d tensors were left out of the sample: carat cannot encode their types", unencodable))
	}
	for _, t := range o.Source.Tensors() {
		if name := t.Info().Name; source[name] != nil {
			r.Findings = append(r.Findings, Finding{Check: "source", Tensor: name, Message: "is in the source but not in the model"})
		}
	}
	// A generator of fixed algorithm: a seed means the same everywhere.
	rng := rand.New(rand.NewPCG(o.Seed, 0))
	for _, s := range [][]int{changed, same} {
		rng.Shuffle(len(s), func(a, b int) { s[a], s[b] = s[b], s[a] })
	}
	chosen := append(changed, same...)
	if o.Sample > 0 {
		chosen = chosen[:min(o.Sample, len(chosen))]
	}
	slices.Sort(chosen)
	source = byName(o.Source)
	var plan []*sampled
	for _, i := range chosen {
		t := m.Tensors()[i]
		s := source[t.Info().Name]
		plan = append(plan, &sampled{SampledTensor{Name: t.Info().Name, SourceType: s.Info().Type.String(), Type: t.Info().Type.String()}, t, s, 0})
	}
	return plan, nil
}

// needsImatrix refuses to compare what cannot be equal.
func (o *Options) needsImatrix(md *gguf.Metadata) error {
	if o.Imatrix != nil {
		return nil
	}
	for _, kv := range md.All() {
		if strings.HasPrefix(kv.Key, "quantize.imatrix.") {
			file, _ := md.String("quantize.imatrix.file")
			return fmt.Errorf("%w: the model was quantized with an importance matrix (%s): encoding tensors again needs it, pass --imatrix", quantize.ErrOptions, file)
		}
	}
	return nil
}

// encode encodes the source's tensor again and compares. Which tensors used the importance matrix is not recorded
// (--include-weights), so a tensor may equal what is encoded with or without it.
func (s *sampled) encode(ctx context.Context, m *imatrix.Matrix, read func(n int64)) error {
	info := s.tensor.Info()
	if m != nil && info.Type.Quantized() {
		w, _, err := quantize.Importance(m, info, info.Name)
		if err != nil {
			return err
		}
		if w != nil {
			if s.Equal, err = s.compare(ctx, w, read); err != nil || s.Equal {
				s.Weighted = s.Equal
				return err
			}
		}
	}
	var err error
	s.Equal, err = s.compare(ctx, nil, read)
	return err
}

// compare encodes with weights, or without when they are nil, and stops at the first rows that differ.
func (s *sampled) compare(ctx context.Context, weights []float32, read func(n int64)) (bool, error) {
	info, from := s.tensor.Info(), s.source.Info()
	r, _ := newRows(s.source)
	enc, _ := codec.For(info.Type)
	var want, got []byte
	for first := int64(0); first < info.Rows(); {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		n := min(r.step, info.Rows()-first)
		var w []float32
		if weights != nil {
			expert := int64(0)
			if len(info.Shape) > 2 {
				// Each expert has weights of its own: a chunk stays within one.
				n = min(n, (first/info.Shape[1]+1)*info.Shape[1]-first)
				expert = first / info.Shape[1] % info.Shape[2]
			}
			w = weights[expert*info.Cols():][:info.Cols()]
		}
		want = grow(want, n*info.RowBytes())
		if err := s.tensor.ReadRows(want, first, n); err != nil {
			return false, err
		}
		if from.Type == info.Type {
			got = grow(got, n*info.RowBytes())
			if err := s.source.ReadRows(got, first, n); err != nil {
				return false, err
			}
		} else {
			values, err := r.readRows(first, n)
			if err != nil {
				return false, err
			}
			got = grow(got, n*info.RowBytes())
			enc.Encode(got, values, int(info.Cols()), w)
		}
		if !bytes.Equal(want, got) {
			for i := range n {
				if b := info.RowBytes(); !bytes.Equal(want[i*b:(i+1)*b], got[i*b:(i+1)*b]) {
					s.row = first + i
					break
				}
			}
			return false, nil
		}
		read(n * from.RowBytes())
		first += n
	}
	return true, nil
}

func (s *sampled) finding() *Finding {
	if s.Equal {
		return nil
	}
	msg := fmt.Sprintf("is not what %s of the source gives; was the model made from this source, by these options?", s.Type)
	if s.Type == s.SourceType {
		msg = "is not the source's data"
	}
	return &Finding{Check: "source", Tensor: s.Name, Row: &s.row, Message: msg}
}
