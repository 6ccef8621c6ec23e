package prequant

import (
	"encoding/binary"

	"github.com/carat-llm/carat/convert/safetensors"
)

// packed are integers of few bits, offset to be positive, as many to a word of 32 bits as fit whole, along the input. Scales
// are those of a row, of groups in it, or one. Zero points are offset alike and packed along the output. weight_g_idx, if
// there is one that is not all -1, has the group of each input.
var packed = layout{codes: ".weight_packed", weight: ".weight", needed: []string{".weight_scale", ".weight_shape"},
	optional: []string{".weight_zero_point", ".weight_g_idx"}, marked: true, last: true, open: openPacked}

func openPacked(w *quantized) (*Tensor, error) {
	scale, zero := w.parts[".weight_scale"], w.parts[".weight_zero_point"]
	if err := w.want(w.codes, nil, "I32"); err != nil {
		return nil, err
	}
	settings, err := w.config.group(w.module)
	if err != nil {
		return nil, err
	}
	bits, err := w.config.whole(settings, "num_bits", 1, 4)
	if err != nil {
		return nil, err
	}
	if bits > 8 {
		return nil, w.wrong(w.codes, "has codes of %d bits, expected 1 to 8", bits)
	}
	rows, cols, err := w.logicalShape()
	if err != nil {
		return nil, err
	}
	perWord := 32 / bits
	words := (cols + perWord - 1) / perWord
	if err := w.want(w.codes, []int64{rows, words}, "I32"); err != nil {
		return nil, err
	}
	scales, err := w.floats(scale)
	if err != nil {
		return nil, err
	}
	groups, perRow := int64(1), int64(1)
	switch {
	case scale.Elements() == 1:
		perRow = 0
	case len(scale.Shape) == 2 && scale.Shape[0] == rows && scale.Shape[1] > 0:
		groups, perRow = scale.Shape[1], scale.Shape[1]
	default:
		return nil, w.wrong(scale, "has the shape %v, expected one scale, or some for each of %d rows", scale.Shape, rows)
	}
	group, err := w.packedGroups(settings, cols, groups)
	if err != nil {
		return nil, err
	}
	zeroOf, err := w.zeroPoints(zero, rows, groups, bits, perRow)
	if err != nil {
		return nil, err
	}
	mask, codes := uint32(1)<<bits-1, lines{w.codes, 4 * words}
	return w.decoded([]int64{rows, cols}, func(dst []float32, first int64) error {
		b, err := codes.get(first, int64(len(dst))/cols)
		if err != nil {
			return err
		}
		s, z := make([]float32, groups), make([]int32, groups)
		for ; len(dst) > 0; dst, b, first = dst[cols:], b[codes.bytes:], first+1 {
			if err := scales.fill(s, first*perRow); err != nil {
				return err
			}
			if err := zeroOf(z, first); err != nil {
				return err
			}
			for i := range dst[:cols] {
				q := binary.LittleEndian.Uint32(b[int64(i)/perWord*4:]) >> (int64(i) % perWord * bits) & mask
				g := group[i]
				dst[i] = float32(float32(int32(q)-z[g]) * s[g])
			}
		}
		return nil
	}), nil
}

// logicalShape is the weight's shape, which stands in a tensor.
func (w *quantized) logicalShape() (rows, cols int64, err error) {
	t := w.parts[".weight_shape"]
	if err := w.want(t, []int64{2}, "I64", "I32"); err != nil {
		return 0, 0, err
	}
	b, err := small(t, 16)
	if err != nil {
		return 0, 0, err
	}
	if t.DType == "I64" {
		rows, cols = int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))
	} else {
		rows, cols = int64(int32(binary.LittleEndian.Uint32(b))), int64(int32(binary.LittleEndian.Uint32(b[4:])))
	}
	if rows < 1 || cols < 1 || rows > 1<<40 || cols > 1<<40 {
		return 0, 0, w.wrong(t, "says %d x %d, expected the weight's shape", rows, cols)
	}
	return rows, cols, nil
}

// packedGroups are the groups of the inputs.
func (w *quantized) packedGroups(settings map[string]any, cols, groups int64) ([]int32, error) {
	if idx := w.parts[".weight_g_idx"]; idx != nil {
		set, err := w.isSet(idx, cols)
		if err != nil {
			return nil, err
		}
		if set {
			return w.groups(idx, cols, groups)
		}
	}
	size := cols
	if v, ok := settings["group_size"].(float64); ok && v > 0 && groups > 1 {
		var err error
		if size, err = w.config.whole(settings, "group_size", 1, cols); err != nil {
			return nil, err
		}
	}
	if (cols+size-1)/size != groups {
		return nil, w.wrong(w.parts[".weight_scale"], "has %d scales in each row, expected one for each %d of %d inputs", groups, size, cols)
	}
	return inOrder(cols, size), nil
}

// isSet reports whether g_idx was filled in, which begins with -1 otherwise.
func (w *quantized) isSet(idx *safetensors.Tensor, cols int64) (bool, error) {
	if err := w.want(idx, []int64{cols}, "I32"); err != nil {
		return false, err
	}
	var b [4]byte
	err := idx.ReadAt(b[:], 0)
	return int32(binary.LittleEndian.Uint32(b[:])) != -1, err
}

// zeroPoints makes a function that fills in the zero points of a row's groups, of the offset codes.
func (w *quantized) zeroPoints(t *safetensors.Tensor, rows, groups, bits, perRow int64) (func(dst []int32, row int64) error, error) {
	middle := int32(1) << (bits - 1)
	if t == nil {
		return func(dst []int32, _ int64) error {
			for i := range dst {
				dst[i] = middle
			}
			return nil
		}, nil
	}
	scaleRows, perWord := rows, 32/bits
	if perRow == 0 {
		scaleRows = 1
	}
	d := &data{t: t}
	if t.DType == "I8" { // not packed
		if err := w.want(t, []int64{scaleRows, groups}, "I8"); err != nil {
			return nil, err
		}
	} else if err := w.want(t, []int64{(scaleRows + perWord - 1) / perWord, groups}, "I32"); err != nil {
		return nil, err
	}
	return func(dst []int32, row int64) error {
		b, err := d.bytes()
		if err != nil {
			return err
		}
		if perRow == 0 {
			row = 0
		}
		for i := range dst {
			if t.DType == "I8" {
				dst[i] = middle + int32(int8(b[row*groups+int64(i)]))
				continue
			}
			word := binary.LittleEndian.Uint32(b[4*(row/perWord*groups+int64(i)):])
			dst[i] = int32(word >> (row % perWord * bits) & (1<<bits - 1))
		}
		return nil
	}, nil
}
