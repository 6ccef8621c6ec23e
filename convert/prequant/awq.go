package prequant

import (
	"encoding/binary"
	"fmt"
)

// awq packs eight outputs of an input in a word of 32 bits, not in their order. Without zero points codes are offset by 8.
var awq = layout{codes: ".qweight", weight: ".weight", needed: []string{".scales"}, optional: []string{".qzeros"}, marked: true, last: true, open: openAWQ}

// awqPlace is the place in its word of each of eight outputs: place p holds output [0 2 4 6 1 3 5 7][p].
var awqPlace = [8]int64{0, 4, 1, 5, 2, 6, 3, 7}

func checkAWQ(c *Config) string {
	bits, ok := c.values["bits"].(float64)
	version := c.text("version")
	switch {
	case ok && bits != 4:
		return fmt.Sprintf("codes have 4 bits, not %v", bits)
	case version != "" && version != "gemm" && version != "GEMM":
		return fmt.Sprintf("carat reads the version gemm, not %q", version)
	}
	return ""
}

func openAWQ(w *quantized) (*Tensor, error) {
	if err := w.want(w.codes, nil, "I32"); err != nil {
		return nil, err
	}
	in, packed, err := w.matrix(w.codes)
	if err != nil {
		return nil, err
	}
	c := &columns{in: in, out: 8 * packed, words: data{t: w.codes}, zero: 8}
	if err := c.scaledBy(w, packed); err != nil {
		return nil, err
	}
	if c.zeroWords != nil {
		c.zero = 0
	}
	c.codes = func(dst []int32, b []byte, row, first int64) {
		for j := range dst {
			o := first + int64(j)
			word := binary.LittleEndian.Uint32(b[4*(row*packed+o/8):])
			dst[j] = int32(word >> (4 * awqPlace[o%8]) & 15)
		}
	}
	c.zeros = c.codes
	return c.weight(w), nil
}
