package prequant

// bitnet packs ternary codes, 2 bits each, four rows to a row of bytes: row r of n is in bits 2*(r*4/n) of byte row r%(n/4).
// The weight is what is quantized times nothing but one number, which results are divided by, or multiplied with where
// linear_class is autobitlinear.
var bitnet = layout{codes: ".weight", weight: ".weight", needed: []string{".weight_scale"}, fits: func(w *quantized) bool { return w.codes.DType == "U8" }, open: openBitNet}

func openBitNet(w *quantized) (*Tensor, error) {
	packed, cols, err := w.matrix(w.codes)
	if err != nil {
		return nil, err
	}
	scale, err := w.one(w.parts[".weight_scale"])
	if err != nil {
		return nil, err
	}
	if scale == 0 {
		return nil, w.wrong(w.parts[".weight_scale"], "is 0, expected another number")
	}
	var values [3]float32 // for -1, 0 and 1
	for q := range values {
		if values[q] = float32(q-1) / scale; w.config.text("linear_class") == "autobitlinear" {
			values[q] = float32(float32(q-1) * scale)
		}
	}
	codes := lines{w.codes, cols}
	return w.decoded([]int64{4 * packed, cols}, func(dst []float32, first int64) error {
		for ; len(dst) > 0; dst, first = dst[cols:], first+1 {
			b, err := codes.get(first%packed, 1)
			if err != nil {
				return err
			}
			shift := 2 * (first / packed)
			for i, x := range b {
				q := x >> shift & 3
				if q == 3 {
					return w.wrong(w.codes, "has the code 3 in row %d column %d, expected 0, 1 or 2", first, i)
				}
				dst[i] = values[q]
			}
		}
		return nil
	}), nil
}
