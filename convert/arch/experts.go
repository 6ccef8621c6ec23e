package arch

import "fmt"

// experts is the number of experts in each layer; 0 in dense models.
func experts(c *Config) int64 {
	for _, key := range []string{"num_local_experts", "num_experts"} {
		if c.Has(key) {
			return c.Int(key, maxExperts)
		}
	}
	return 0
}

// expertSource and the names of its matrices: where a checkpoint has an expert's part of a layer.
type expertSource struct {
	module, router string
	// matrices are from and to, in the order in which the reference writes the stacks.
	matrices [3][2]string
}

// mlpExperts is what all but Mixtral use.
var mlpExperts = expertSource{"mlp", "mlp.gate", [3][2]string{{"down_proj", "ffn_down"}, {"gate_proj", "ffn_gate"}, {"up_proj", "ffn_up"}}}

// experts adds the router and one stack for each of gate, up and down, width being an expert's hidden size.
// transformers 5 has the same as two tensors of three dimensions, with gate and up in one.
func (l layer) experts(from expertSource, width int64) {
	n := experts(l.c)
	if n == 0 {
		l.c.fail("num_experts", "is missing; it must be the number of experts of a layer")
		return
	}
	l.add(from.router, "ffn_gate_inp", []int64{n, l.d.hidden}, Transform{}, noBias)
	for _, m := range from.matrices {
		t := Tensor{Source: fmt.Sprintf("model.layers.%d.%s.experts.%%d.%s.weight", l.n, from.module, m[0]),
			Name: fmt.Sprintf("blk.%d.%s_exps.weight", l.n, m[1]), Shape: []int64{width, l.d.hidden}, Experts: n, Parts: 2}
		t.Fused = fmt.Sprintf("model.layers.%d.mlp.experts.gate_up_proj", l.n)
		switch m[1] {
		case "ffn_down":
			t.Fused = fmt.Sprintf("model.layers.%d.mlp.experts.down_proj", l.n)
			t.Shape, t.Parts = []int64{l.d.hidden, width}, 1
		case "ffn_up":
			t.Part = 1
		}
		*l.out = append(*l.out, t)
	}
}

// moeEverywhere refuses what GGUF cannot say of these families, and their graphs take for granted: layers
// without experts, and whether the weights of the chosen experts are scaled to a sum of 1.
func moeEverywhere(c *Config, normalised bool) {
	if dense := c.List("mlp_only_layers"); len(dense) > 0 {
		c.fail("mlp_only_layers", "is %v: GGUF files of this architecture cannot have layers without experts", dense)
	}
	if step := c.IntOr("decoder_sparse_step", maxLayers, 1); step != 1 {
		c.fail("decoder_sparse_step", "is %d: GGUF files of this architecture cannot have layers without experts", step)
	}
	if c.Has("norm_topk_prob") && c.Bool("norm_topk_prob") != normalised {
		c.fail("norm_topk_prob", "is %v, but runtimes compute GGUF files of this architecture with %v", !normalised, normalised)
	}
}
