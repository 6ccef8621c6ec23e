package export

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// Q4_0 and Q8_0 are integers and an F16 scale for 32 weights, as groups of 4 and 8 bits of other programs are: such rows are
// carried over without rounding anew. Larger groups are blocks that have the same scale, which files of others do not have; those
// that quantize/round made with a Rounding do.

// carrier is a rowEncoder that takes rows of a GGUF type over as they are.
type carrier interface {
	rowEncoder
	// source is the type of such rows.
	source() (t gguf.Type, ok bool)
	// carry takes a row over. typ is the type of scales.
	carry(row []byte, typ gguf.Type) (codes, scales []byte, err error)
}

// Rounding is how rows are encoded before quantize/round chooses their levels: as blocks of Type, whose scales are those of the
// groups of a format that is not GGUF's.
type Rounding struct {
	Type   gguf.Type
	Encode func(dst []byte, row, importance []float32)
}

// carries makes o take rows over if all of its parts are rows that it can take over.
func (o *output) carries() bool {
	c, ok := o.rows.(carrier)
	if !ok {
		return false
	}
	t, ok := c.source()
	for _, p := range o.parts {
		if !ok || p.src.Info().Type != t || p.Transpose || p.Undo != nil || p.run() != o.shape[1] {
			return false
		}
	}
	o.carried = true
	return true
}

// Quantized are the tensors of the model that are quantized anew row by row, so that their levels can be chosen by what layers see.
func (p *Plan) Quantized() (names []string) {
	for _, s := range p.shards {
		for _, o := range s.outputs {
			for _, part := range o.parts {
				if o.rows != nil && !o.carried && !part.Transpose && part.Undo == nil {
					names = append(names, part.src.Info().Name)
				}
			}
		}
	}
	return names
}

// carry writes n rows of the part, from number row on, as they are.
func (w writer) carry(p *part, row, n int64) error {
	in := p.src.Info()
	raw := make([]byte, n*in.RowBytes())
	if err := p.src.ReadRows(raw, p.first+row, n); err != nil {
		return err
	}
	return w.quantized(p, row, n, func(i int64) (codes, scales []byte, err error) {
		return w.o.rows.(carrier).carry(raw[i*in.RowBytes():][:in.RowBytes()], w.typ)
	})
}

// integers takes a row of Q4_0 or Q8_0 apart: integers, and the scale of each group.
func integers(t gguf.Type, row []byte, group int) (values []int8, scales []float32, err error) {
	grid, _ := codec.GridOf(t)
	cols := len(row) / int(t.RowBytes(int64(t.BlockSize()))) * t.BlockSize()
	levels, all, offsets := make([]uint8, cols), make([]float32, cols/grid.Sub), make([]float32, cols/grid.Sub)
	grid.Split(levels, all, offsets, row)
	values = make([]int8, cols)
	for i, l := range levels {
		values[i] = int8(grid.Levels[l])
	}
	for i, s := range all {
		if s-s != 0 {
			return nil, nil, fmt.Errorf("%w: a scale is not finite; the file is damaged", gguf.ErrInput)
		}
		if i*grid.Sub%group == 0 {
			scales = append(scales, s)
		} else if s != scales[len(scales)-1] {
			return nil, nil, fmt.Errorf("%w: its blocks of %d weights have scales of their own, and groups of %d have one", gguf.ErrInput, grid.Sub, group)
		}
	}
	return values, scales, nil
}

// putScale stores a scale in the blocks of a group, and in their codes the levels next to w.
func putScale(t gguf.Type, dst []byte, w []float32, scale float32) {
	grid, _ := codec.GridOf(t)
	bytes := int(t.RowBytes(int64(t.BlockSize())))
	levels := make([]uint8, len(w))
	for i, x := range w {
		levels[i] = grid.Nearest(x, scale, 0)
	}
	for block := range len(w) / t.BlockSize() {
		binary.LittleEndian.PutUint16(dst[block*bytes:], codec.F32ToF16(scale))
	}
	grid.Pack(dst, levels)
}

// source is the GGUF type whose levels the scheme has. Files of others are taken over where 32 weights share a scale.
func (s *Scheme) source() (gguf.Type, bool) {
	switch {
	case s.group != 32 && !s.rounded || s.float:
		return 0, false
	case s.bits == 4:
		return gguf.Q4_0, true
	}
	return gguf.Q8_0, true
}

func (s *Scheme) carry(row []byte, typ gguf.Type) (codes, scales []byte, err error) {
	t, _ := s.source()
	group := int(s.group)
	if group == 0 {
		group = math.MaxInt
	}
	values, all, err := integers(t, row, group)
	if err != nil {
		return nil, nil, err
	}
	c, _ := codec.For(typ)
	scales = make([]byte, int64(len(all))*typ.RowBytes(1))
	c.Encode(scales, all, len(all), nil)
	codes = make([]byte, len(values))
	for i, v := range values {
		codes[i] = byte(v)
	}
	if s.packed {
		codes = pack(codes, s.bits)
	}
	return codes, scales, nil
}

// Rounding is how rows are encoded for scales of a type; none for floats of 8 bits.
func (s *Scheme) Rounding(scales gguf.Type) (*Rounding, bool) {
	r := *s
	r.rounded = true
	t, ok := r.source()
	if !ok {
		return nil, false
	}
	c, _ := codec.For(scales)
	return &Rounding{t, func(dst []byte, row, importance []float32) {
		group := int(s.group)
		if group == 0 {
			group = len(row)
		}
		round := func(scale float32) float32 {
			out, place := [1]float32{scale}, make([]byte, scales.RowBytes(1))
			c.Encode(place, out[:], 1, nil)
			c.Decode(out[:], place)
			return codec.F16ToF32(codec.F32ToF16(out[0]))
		}
		bytes := int(t.RowBytes(int64(group)))
		for g := range len(row) / group {
			w := row[g*group:][:group]
			var weights []float32
			if importance != nil {
				weights = importance[g*group:][:group]
			}
			putScale(t, dst[g*bytes:][:bytes], w, round(s.scale(w, weights, round)))
		}
	}}, true
}

// Rounded is the scheme for a model whose rows quantize/round made with its Rounding.
func (s *Scheme) Rounded() *Scheme {
	r := *s
	r.rounded, r.usual = true, false
	return &r
}

func (q4f16) source() (gguf.Type, bool) { return gguf.Q4_0, true }

// carry takes codes from -8 to 7 over as those from 0 to 15 that mean -7 to 8: the other way round, with the scale negative.
func (q4f16) carry(row []byte, _ gguf.Type) (codes, scales []byte, err error) {
	values, all, err := integers(gguf.Q4_0, row, mlcGroup)
	if err != nil {
		return nil, nil, err
	}
	codes = make([]byte, len(values)/2)
	for i, v := range values {
		codes[i/2] |= byte(7-v) << (4 * (i % 2))
	}
	for _, s := range all {
		scales = binary.LittleEndian.AppendUint16(scales, codec.F32ToF16(-s))
	}
	return codes, scales, nil
}

// MLCRounding is how rows are encoded for q4f16_1.
func MLCRounding() *Rounding {
	s, _ := ParseScheme("w4a16", mlcGroup)
	r, _ := s.Rounding(gguf.F16)
	return r
}
