package imatrix

// Coverage says how much of a tensor the text reached.
type Coverage struct {
	Tensor  string `json:"tensor"`
	Columns int    `json:"columns"` // of one expert
	Experts int    `json:"experts"`
	// Unused lists the experts that no activation was sent to.
	Unused []int `json:"unused_experts"`
	// Silent is the number of columns, of experts that are used, whose activations were all zero.
	Silent int `json:"silent_columns"`
	// Percent is the share of columns, over all experts, that saw data.
	Percent float64 `json:"percent"`
}

// Coverage describes each tensor, sorted by name.
func (m *Matrix) Coverage() []Coverage {
	out := make([]Coverage, 0, len(m.entries))
	for _, name := range m.Names() {
		e := m.entries[name]
		c := Coverage{Tensor: name, Columns: e.cols(), Experts: len(e.counts), Unused: []int{}}
		for x, n := range e.counts {
			if n == 0 {
				c.Unused = append(c.Unused, x)
				continue
			}
			for _, v := range e.sums[x*c.Columns : (x+1)*c.Columns] {
				if v == 0 {
					c.Silent++
				}
			}
		}
		c.Percent = 100 * float64(len(e.sums)-c.Silent-len(c.Unused)*c.Columns) / float64(len(e.sums))
		out = append(out, c)
	}
	return out
}
