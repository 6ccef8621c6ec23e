package prequant

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/carat-llm/carat/convert/safetensors"
)

// gptq packs codes of 2, 3, 4 or 8 bits along the input: a column of qweight is a stream of bits, the lowest of its first
// word first. Zero points are packed the same way along the output; those of version 1 are stored less one. g_idx has the
// group of each input, in any order where activations were sorted (desc_act); without it groups follow each other.
var gptq = layout{codes: ".qweight", weight: ".weight", needed: []string{".scales", ".qzeros"}, optional: []string{".g_idx"}, marked: true, last: true, open: openGPTQ}

func checkGPTQ(c *Config) string {
	bits, _ := c.values["bits"].(float64)
	format := c.text("checkpoint_format")
	switch {
	case !slices.Contains([]float64{2, 3, 4, 8}, bits):
		return fmt.Sprintf("codes have 2, 3, 4 or 8 bits, not %v", c.values["bits"])
	case format != "" && format != "gptq" && format != "gptq_v2":
		return fmt.Sprintf("the checkpoint format %q is for one runtime alone", format)
	}
	return ""
}

func openGPTQ(w *quantized) (*Tensor, error) {
	bits, err := w.config.whole(w.config.values, "bits", 2, 0)
	if err != nil {
		return nil, err
	}
	if err := w.want(w.codes, nil, "I32"); err != nil {
		return nil, err
	}
	packed, out, err := w.matrix(w.codes)
	if err != nil {
		return nil, err
	}
	if packed*32%bits != 0 {
		return nil, w.wrong(w.codes, "has the shape %v, expected rows of whole codes of %d bits", w.codes.Shape, bits)
	}
	c := &columns{in: packed * 32 / bits, out: out, words: data{t: w.codes}, zero: 1}
	if w.config.text("checkpoint_format") == "gptq_v2" {
		c.zero = 0
	}
	zeroWords := (out*bits + 31) / 32
	if err := c.scaledBy(w, zeroWords); err != nil {
		return nil, err
	}
	mask := uint32(1)<<bits - 1
	word := func(b []byte, i int64) uint32 { return binary.LittleEndian.Uint32(b[4*i:]) }
	c.codes = func(dst []int32, b []byte, row, first int64) {
		at, shift := row*bits/32*out+first, row*bits%32
		for j := range dst {
			q := word(b, at+int64(j)) >> shift
			if shift+bits > 32 {
				q |= word(b, at+out+int64(j)) << (32 - shift)
			}
			dst[j] = int32(q & mask)
		}
	}
	c.zeros = func(dst []int32, b []byte, row, first int64) {
		for j := range dst {
			bit := (first + int64(j)) * bits
			at, shift := row*zeroWords+bit/32, bit%32
			q := word(b, at) >> shift
			if shift+bits > 32 {
				q |= word(b, at+1) << (32 - shift)
			}
			dst[j] = int32(q & mask)
		}
	}
	return c.weight(w), nil
}

// groups reads the group of each of in inputs, or finds it where there is no g_idx, and checks that there are so many.
func (w *quantized) groups(idx *safetensors.Tensor, in, groups int64) ([]int32, error) {
	if idx == nil {
		size, err := w.groupSize(in)
		if err != nil {
			return nil, err
		}
		if (in+size-1)/size != groups {
			return nil, w.wrong(w.codes, "has %d inputs in groups of %d, but there are scales of %d groups", in, size, groups)
		}
		return inOrder(in, size), nil
	}
	if err := w.want(idx, []int64{in}, "I32"); err != nil {
		return nil, err
	}
	b, err := small(idx, 4*in)
	if err != nil {
		return nil, err
	}
	group := make([]int32, in)
	for i := range group {
		group[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
		if group[i] < 0 || int64(group[i]) >= groups {
			return nil, w.wrong(idx, "has the group %d for input %d, expected 0 to %d", group[i], i, groups-1)
		}
	}
	return group, nil
}

// groupSize is group_size of the config, of which -1 is all inputs.
func (w *quantized) groupSize(in int64) (int64, error) {
	if v, ok := w.config.values["group_size"].(float64); ok && v <= 0 {
		return in, nil
	}
	return w.config.whole(w.config.values, "group_size", 1, in)
}
