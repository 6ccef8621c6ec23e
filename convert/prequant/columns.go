package prequant

// columns are weights whose codes are stored input x output, so that a row of the weight is a column of codes, with scales and
// zero points, groups x output.
type columns struct {
	in, out, groups int64
	group           []int32 // of each input
	words           data    // of codes
	zeroWords       *data   // nil: the zero points are all zero
	zero            int32   // added to zero points
	scales          *floats
	// codes and zeros fill dst with those of outputs first and up, of an input or a group.
	codes, zeros func(dst []int32, words []byte, row, first int64)
}

// scaledBy finds the scales of w, its zero points, of which a group has so many words of 32 bits, and the groups.
func (c *columns) scaledBy(w *quantized, zeroWords int64) (err error) {
	scales, zeros := w.parts[".scales"], w.parts[".qzeros"]
	if c.groups, _, err = w.matrix(scales); err != nil {
		return err
	}
	if err := w.want(scales, []int64{c.groups, c.out}, "F16", "BF16", "F32"); err != nil {
		return err
	}
	if zeros != nil {
		if err := w.want(zeros, []int64{c.groups, zeroWords}, "I32"); err != nil {
			return err
		}
		c.zeroWords = &data{t: zeros}
	}
	if c.scales, err = w.floats(scales); err != nil {
		return err
	}
	c.group, err = w.groups(w.parts[".g_idx"], c.in, c.groups)
	return err
}

// leastRows are decoded at a time: neighbouring columns share cache lines.
const leastRows = 16

// weight is the weight, output x input.
func (c *columns) weight(w *quantized) *Tensor {
	return w.decodedBy(leastRows, []int64{c.out, c.in}, c.decode)
}

func (c *columns) decode(dst []float32, first int64) error {
	n := int64(len(dst)) / c.in
	words, err := c.words.bytes()
	if err != nil {
		return err
	}
	var zeroWords []byte
	if c.zeroWords != nil {
		if zeroWords, err = c.zeroWords.bytes(); err != nil {
			return err
		}
	}
	q := make([]int32, n)
	scales, zeros := make([]float32, c.groups*n), make([]int32, c.groups*n)
	for g := range c.groups {
		if err := c.scales.fill(scales[g*n:][:n], g*c.out+first); err != nil {
			return err
		}
		z := zeros[g*n:][:n]
		if zeroWords != nil {
			c.zeros(z, zeroWords, g, first)
		}
		for i := range z {
			z[i] += c.zero
		}
	}
	for i := range c.in {
		c.codes(q, words, i, first)
		s, z := scales[int64(c.group[i])*n:][:n], zeros[int64(c.group[i])*n:][:n]
		for j := range q {
			dst[int64(j)*c.in+i] = float32(s[j] * float32(q[j]-z[j]))
		}
	}
	return nil
}

// inOrder are the groups of inputs that stand one after the other.
func inOrder(in, size int64) []int32 {
	group := make([]int32, in)
	for i := range group {
		group[i] = int32(int64(i) / size)
	}
	return group
}
