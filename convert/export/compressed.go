package export

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// Scheme is a way in which matrices of linear layers are quantized, as compressed-tensors has it
// (github.com/vllm-project/compressed-tensors): codes beside scales, without zero points.
type Scheme struct {
	Name   string
	format string
	bits   int
	float  bool // E4M3, in place of integers
	group  int64
	packed bool // integers of few bits in words of 32
	acts   bool // activations are quantized, too, by token, when the model runs
	// usual says that nobody asked for the group; rounded that rows come from quantize/round, with the scales of Rounding.
	usual, rounded bool
}

// schemes are those that are known.
var schemes = []Scheme{
	{Name: "w4a16", format: "pack-quantized", bits: 4, group: 128, packed: true},
	{Name: "w8a16", format: "pack-quantized", bits: 8, group: 128, packed: true},
	{Name: "int8", format: "int-quantized", bits: 8, acts: true},
	{Name: "fp8", format: "float-quantized", bits: 8, float: true, acts: true},
}

// SchemeNames lists the schemes.
func SchemeNames() (out []string) {
	for _, s := range schemes {
		out = append(out, s.Name)
	}
	return out
}

// ParseScheme finds a scheme. group is how many weights of a row share a scale; 0 is 128, the usual number, and only schemes
// with groups take another.
func ParseScheme(name string, group int64) (*Scheme, error) {
	i := slices.IndexFunc(schemes, func(s Scheme) bool { return s.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("unknown scheme %q; expected one of %s", name, strings.Join(SchemeNames(), ", "))
	}
	s := schemes[i]
	switch {
	case group == 0:
		s.usual = s.group > 0
	case s.group == 0:
		return nil, fmt.Errorf("%s has one scale for each row: it takes no group", name)
	case group != 32 && group != 64 && group != 128:
		return nil, fmt.Errorf("a group must be 32, 64 or 128 (got %d)", group)
	default:
		s.group = group
	}
	return &s, nil
}

func (s *Scheme) name() string {
	if s == nil {
		return ""
	}
	return s.Name
}

// config is quantization_config of config.json. ignore are the modules that are left as they were.
func (s *Scheme) config(ignore []string) map[string]any {
	kind, strategy, group := "int", "channel", any(nil)
	if s.float {
		kind = "float"
	}
	if s.group > 0 {
		strategy, group = "group", s.group
	}
	weights := map[string]any{"num_bits": s.bits, "type": kind, "symmetric": true, "strategy": strategy, "group_size": group, "dynamic": false}
	var acts any
	if s.acts {
		acts = map[string]any{"num_bits": s.bits, "type": kind, "symmetric": true, "strategy": "token", "dynamic": true}
	}
	return map[string]any{"quant_method": "compressed-tensors", "format": s.format, "quantization_status": "compressed",
		"config_groups": map[string]any{"group_0": map[string]any{"targets": []string{"Linear"}, "weights": weights,
			"input_activations": acts, "output_activations": nil}},
		"ignore": ignore, "kv_cache_scheme": nil}
}

// notLinear are parts of the names of matrices that are no linear layer, or that stay as they are as in all published models:
// embeddings, the output, and what chooses experts.
var notLinear = []string{"embed_tokens.weight", "lm_head.weight", ".mlp.gate.weight", ".block_sparse_moe.gate.weight", ".router.layer.weight", ".shared_expert_gate.weight"}

// quantizes reports whether the scheme quantizes a tensor, and whether it is that of a linear layer.
func (s *Scheme) quantizes(o *output) (yes, linear bool) {
	other := func(suffix string) bool { return strings.HasSuffix(o.name, suffix) }
	if len(o.shape) != 2 || !strings.HasSuffix(o.name, ".weight") || slices.ContainsFunc(notLinear[:1], other) {
		return false, false
	}
	if slices.ContainsFunc(notLinear, other) {
		return false, true
	}
	return s.group == 0 || o.shape[1]%s.group == 0, true
}

// apply makes tensors of the plan codes and scales.
func (s *Scheme) apply(p *Plan, class string, outputs []*output) (map[string]any, error) {
	if class == "GPT2LMHeadModel" {
		return nil, errors.New("its matrices are no linear layers (Conv1D), which compressed-tensors does not quantize")
	}
	ignore, odd, done, carried := []string{}, 0, 0, 0
	if s.usual && slices.ContainsFunc(outputs, s.takes) {
		same := *s
		s, same.usual, same.group = &same, false, 32
		p.Notes = append(p.Notes, "a scale is for 32 weights, as in the file: --group asks for another number")
	}
	for _, o := range outputs {
		yes, linear := s.quantizes(o)
		if yes {
			o.rows = s
			done++
			if o.carries() {
				carried++
			}
		} else if linear {
			name := strings.TrimSuffix(o.name, ".weight")
			ignore = append(ignore, name)
			if s.group > 0 && o.shape[1]%s.group != 0 {
				odd++
			}
		}
	}
	if !slices.Contains(ignore, "lm_head") {
		ignore = append(ignore, "lm_head") // the embeddings again
	}
	if done == 0 {
		return nil, fmt.Errorf("no matrix has rows that groups of %d divide: use a smaller group, or int8 or fp8, which have none", s.group)
	}
	p.carried = carried
	if carried > 0 && !s.rounded {
		p.Notes = append(p.Notes, fmt.Sprintf("%d matrices keep the codes and scales of the file; %d are decoded and rounded anew", carried, done-carried))
	}
	if odd > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%d matrices stay as they are: groups of %d do not divide their rows", odd, s.group))
	}
	return s.config(ignore), nil
}

// takes reports whether a tensor's rows could be carried over if a scale were for 32 weights.
func (s *Scheme) takes(o *output) bool {
	same := *s
	same.group = 32
	yes, _ := same.quantizes(o)
	probe := *o
	probe.rows = &same
	return yes && probe.carries()
}

// field is a tensor of the file of weights.
type field struct {
	name, dtype string
	shape       []int64
	row         int64 // bytes of each row
	begin       int64 // in its file
	content     []byte
}

func (f *field) bytes() int64 {
	if f.content != nil {
		return int64(len(f.content))
	}
	n := f.row
	for _, d := range f.shape[:len(f.shape)-1] {
		n *= d
	}
	return n
}

// fieldsOf are those that a tensor becomes: itself, or codes, scales and whatever else.
func (o *output) fieldsOf(typ gguf.Type) []field {
	s, _ := o.rows.(*Scheme)
	cols := o.shape[len(o.shape)-1]
	if s == nil {
		return []field{{name: o.name, dtype: dtypes[typ], shape: o.shape, row: typ.RowBytes(1) * cols}}
	}
	rows, scales := o.shape[0], s.scales(cols)
	scale := field{name: o.name + "_scale", dtype: dtypes[typ], shape: []int64{rows, scales}, row: typ.RowBytes(1) * scales}
	if !s.packed {
		dtype := "I8"
		if s.float {
			dtype = "F8_E4M3"
		}
		return []field{{name: o.name, dtype: dtype, shape: o.shape, row: cols}, scale}
	}
	words := cols * int64(s.bits) / 32
	shape := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(rows)), uint64(cols))
	return []field{{name: o.name + "_packed", dtype: "I32", shape: []int64{rows, words}, row: 4 * words}, scale,
		{name: o.name + "_shape", dtype: "I64", shape: []int64{2}, content: shape}}
}

// scales is how many a row has.
func (s *Scheme) scales(cols int64) int64 {
	if s.group == 0 {
		return 1
	}
	return cols / s.group
}

// encode quantizes a row. typ is the type of the scales, with whose rounded values the codes are chosen.
func (s *Scheme) encode(row []float32, typ gguf.Type) (codes, scales []byte, err error) {
	group := int(s.group)
	if group == 0 {
		group = len(row)
	}
	c, _ := codec.For(typ)
	width := int(typ.RowBytes(1))
	scales = make([]byte, len(row)/group*width)
	values := make([]byte, len(row))
	for g := range len(row) / group {
		w, place := row[g*group:][:group], scales[g*width:][:width]
		if amax := codec.Largest(w); !(amax <= math.MaxFloat32) {
			return nil, nil, fmt.Errorf("%w: a row has values that are not finite", gguf.ErrInput)
		}
		round := func(scale float32) float32 {
			var out [1]float32
			c.Encode(place, []float32{scale}, 1, nil)
			c.Decode(out[:], place)
			return out[0]
		}
		s.quantize(values[g*group:][:group], w, round(s.scale(w, nil, round)))
	}
	if s.packed {
		values = pack(values, s.bits)
	}
	return values, scales, nil
}

// largest is the highest level.
func (s *Scheme) largest() float32 {
	if s.float {
		return 448
	}
	return float32(int(1)<<(s.bits-1) - 1)
}

// scale is the one for some weights. With few bits it is, of some, the one whose squared error is least; the largest weight
// then need not be the highest level. importance, if there is some, is what the squares are multiplied with.
func (s *Scheme) scale(w, importance []float32, round func(float32) float32) float32 {
	amax := codec.Largest(w)
	if amax == 0 {
		return 1
	}
	whole := amax / s.largest()
	if round(whole) == 0 {
		return float32(math.Ldexp(1, -14)) // all of them are next to nothing
	}
	if s.bits > 4 {
		return whole
	}
	best, least := whole, math.Inf(1)
	codes := make([]byte, len(w))
	for i := range 25 {
		scale := round(float32(amax / (s.largest() + float32(i-4)*0.1))) // from 6.6 to 9 levels of each sign, of 7
		if scale == 0 {
			continue
		}
		s.quantize(codes, w, scale)
		sum := 0.0
		for j, x := range w {
			d := float64(x) - float64(int8(codes[j]))*float64(scale)
			if importance != nil {
				d *= math.Sqrt(float64(importance[j]))
			}
			sum += float64(d * d)
		}
		if sum < least {
			best, least = scale, sum
		}
	}
	return best
}

// quantize chooses the level next to each weight, of two the even one.
func (s *Scheme) quantize(dst []byte, w []float32, scale float32) {
	low, high := -float64(s.largest())-1, float64(s.largest())
	for i, x := range w {
		q := float64(x) / float64(scale)
		if s.float {
			dst[i] = e4m3(q)
			continue
		}
		dst[i] = byte(int8(min(max(math.RoundToEven(q), low), high)))
	}
}

// pack puts integers into words of 32 bits, lowest bits first, offset so that none is negative.
func pack(values []byte, bits int) []byte {
	out := make([]byte, len(values)*bits/8)
	per, offset := 32/bits, uint32(1)<<(bits-1)
	for i := range len(values) / per {
		word := uint32(0)
		for j, v := range values[i*per:][:per] {
			word |= (uint32(int32(int8(v))) + offset) & (1<<bits - 1) << (j * bits)
		}
		binary.LittleEndian.PutUint32(out[4*i:], word)
	}
	return out
}

// e4m3 is the code of the float of 8 bits next to v, of two the even one; beyond 448 it is 448.
func e4m3(v float64) byte {
	sign := byte(0)
	if math.Signbit(v) {
		sign, v = 0x80, -v
	}
	v = min(v, 448)
	exponent := max(math.Ilogb(v), -6) // below 2^-6 they are as far apart as there
	if v == 0 {
		return sign
	}
	steps := math.RoundToEven(math.Ldexp(v, 3-exponent)) // of 2^(exponent-3)
	return sign | byte(int(steps)+(exponent+6)*8)
}
