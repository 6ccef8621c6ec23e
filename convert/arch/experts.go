package arch

// expertCounts are the names of the number of experts in each layer.
var expertCounts = []string{"num_local_experts", "num_experts", "n_routed_experts"}

// experts is the number of experts in each layer; 0 in dense models.
func experts(c *Config) int64 {
	if name := c.first(expertCounts...); name != "" {
		return c.count(name, maxExperts)
	}
	return 0
}

// expertKeys are how many experts there are, how many each token uses, and how they are chosen.
func expertKeys(c *Config) keys {
	var k keys
	n := experts(c)
	if n > 0 {
		k = append(k, key{"expert_count", n})
	}
	if name := c.first("num_experts_per_tok", "num_experts_per_token", "top_k_experts"); name != "" && n > 0 {
		k = append(k, key{"expert_used_count", c.Int(name, n)})
	}
	for _, g := range []struct{ from, to string }{{"n_group", "expert_group_count"}, {"topk_group", "expert_group_used_count"}} {
		if c.Has(g.from) {
			k = append(k, key{g.to, c.Int(g.from, maxExperts)})
		}
	}
	if name := c.first("score_function", "scoring_func", "score_func", "moe_router_activation", "moe_router_activation_func", "expert_selection_fn"); name != "" {
		switch f := c.String(name); f {
		case "softmax":
			k = append(k, key{"expert_gating_func", gateSoftmax})
		case "sigmoid":
			k = append(k, key{"expert_gating_func", gateSigmoid})
		default:
			c.fail(name, "is %q: GGUF knows softmax and sigmoid", f)
		}
	}
	return k
}

// Gating functions of GGUF.
const (
	gateSoftmax int64 = 1
	gateSigmoid int64 = 2
)

// expertSource and the names of its matrices: where a checkpoint has an expert's part of a layer.
type expertSource struct {
	module, router string
	// matrices are from and to, in the order in which the reference writes the stacks.
	matrices [3][2]string
}

// mlpExperts is what most use.
var mlpExperts = expertSource{"mlp", "mlp.gate", [3][2]string{{"down_proj", "ffn_down"}, {"gate_proj", "ffn_gate"}, {"up_proj", "ffn_up"}}}

// experts adds the router and one stack for each of gate, up and down, width being an expert's hidden size.
// transformers 5 has the same as two tensors of three dimensions, with gate and up in one.
func (l layer) experts(from expertSource, width int64) {
	n := experts(l.c)
	if n == 0 {
		if name := l.c.first(expertCounts...); name != "" {
			l.c.Int(name, maxExperts) // which fails
		}
		l.c.fail("num_experts", "is missing; it must be the number of experts of a layer")
		return
	}
	l.add(from.router, "ffn_gate_inp", []int64{n, l.d.hidden}, Transform{}, noBias)
	l.stacks(from, n, width)
	l.fused("mlp.experts", n, width)
}

// stacks adds the experts' matrices where each is a tensor of its own.
func (l layer) stacks(from expertSource, n, width int64) {
	for _, m := range from.matrices {
		shape := []int64{width, l.d.hidden}
		if m[1] == "ffn_down" {
			shape = []int64{l.d.hidden, width}
		}
		*l.out = append(*l.out, Tensor{Source: l.source(from.module + ".experts.%d." + m[0] + ".weight"), Name: l.name(m[1] + "_exps.weight"), Shape: shape, Experts: n})
	}
}

// fused adds them where they stand in two tensors, gate above up in each expert. Their names may end in .weight.
func (l layer) fused(module string, n, width int64) {
	both, half := []int64{n, 2 * width, l.d.hidden}, []int64{n, width, l.d.hidden}
	for _, suffix := range []string{"", ".weight"} {
		*l.out = append(*l.out,
			Tensor{Source: l.source(module + ".gate_up_proj" + suffix), Name: l.name("ffn_gate_exps.weight"), Shape: both, As: half, Transform: rowsOf(2*width, 0, width)},
			Tensor{Source: l.source(module + ".gate_up_proj" + suffix), Name: l.name("ffn_up_exps.weight"), Shape: both, As: half, Transform: rowsOf(2*width, width, width)},
			Tensor{Source: l.source(module + ".down_proj" + suffix), Name: l.name("ffn_down_exps.weight"), Shape: []int64{n, l.d.hidden, width}})
	}
}

// turned adds them where the matrices in the two tensors are stored input x output, gate beside up, or in turns with it.
func (l layer) turned(module string, n, width int64, inTurns bool) {
	both, half := []int64{n, l.d.hidden, 2 * width}, []int64{n, width, l.d.hidden}
	gate, up := rowsOf(2*width, 0, width), rowsOf(2*width, width, width)
	if inTurns {
		gate, up = rowsOf(2, 0, 1), rowsOf(2, 1, 1)
	}
	gate.Transpose, up.Transpose = true, true
	l.cut(module+".gate_up_proj", "ffn_gate_exps.weight", both, half, gate)
	l.cut(module+".gate_up_proj", "ffn_up_exps.weight", both, half, up)
	l.plain(module+".down_proj", "ffn_down_exps.weight", []int64{n, width, l.d.hidden}, Transform{Transpose: true})
}

// sharedExpert adds what all tokens use beside the experts.
func (l layer) sharedExpert(module string, width int64) {
	l.add(module+".gate_proj", "ffn_gate_shexp", []int64{width, l.d.hidden}, Transform{}, noBias)
	l.add(module+".up_proj", "ffn_up_shexp", []int64{width, l.d.hidden}, Transform{}, noBias)
	l.add(module+".down_proj", "ffn_down_shexp", []int64{l.d.hidden, width}, Transform{}, noBias)
}

// correction adds what is added to the experts' scores where they are chosen, and nowhere else. Older checkpoints have it
// beside the router.
func (l layer) correction(module string, n int64) {
	l.plain(module+".gate.e_score_correction_bias", "exp_probs_b.bias", []int64{n}, Transform{})
	l.plain(module+".e_score_correction_bias", "exp_probs_b.bias", []int64{n}, Transform{})
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
