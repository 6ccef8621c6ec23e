package prequant

// bnb8 is int8 of bitsandbytes: each row of the weight is scaled so that the largest of its elements, in SCB, is 127. The
// factor is the float32 next to 1/127, as its library has it. weight_format says whether rows lie as they are, which
// is all that is published.
var bnb8 = layout{codes: ".weight", weight: ".weight", needed: []string{".SCB"}, optional: []string{".weight_format"},
	fits: func(w *quantized) bool { return w.codes.DType == "I8" }, open: openBNB8}

func openBNB8(w *quantized) (*Tensor, error) {
	rows, cols, err := w.matrix(w.codes)
	if err != nil {
		return nil, err
	}
	if err := w.want(w.parts[".SCB"], []int64{rows}, "F32", "F16", "BF16"); err != nil {
		return nil, err
	}
	if f := w.parts[".weight_format"]; f != nil {
		b, err := small(f, 8)
		if err != nil {
			return nil, err
		}
		if len(b) > 0 && b[0] != 0 {
			return nil, w.wrong(f, "is %d, expected 0: rows in the order of a GPU's tiles are not read", b[0])
		}
	}
	scales, err := w.floats(w.parts[".SCB"])
	if err != nil {
		return nil, err
	}
	codes, part := lines{w.codes, cols}, float32(1.0/127)
	return w.decoded(w.codes.Shape, func(dst []float32, first int64) error {
		b, err := codes.get(first, int64(len(dst))/cols)
		if err != nil {
			return err
		}
		var s [1]float32
		for ; len(dst) > 0; dst, b, first = dst[cols:], b[cols:], first+1 {
			if err := scales.fill(s[:], first); err != nil {
				return err
			}
			for i, q := range b[:cols] {
				dst[i] = float32(float32(int8s[q]*s[0]) * part)
			}
		}
		return nil
	}), nil
}
