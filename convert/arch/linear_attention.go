package arch

// linearAttention are the sizes of a gated delta rule's queries and keys, as many of one as of the other, and values.
type linearAttention struct{ conv, keyDim, valueDim, keyHeads, valueHeads int64 }

func (a linearAttention) keys() int64   { return a.keyDim * a.keyHeads }
func (a linearAttention) values() int64 { return a.valueDim * a.valueHeads }

// tensors are those of Qwen 3.5. Heads of values stand there by the head of keys that they go with. Here they
// stand as ggml repeats keys: the first of each, then the second of each, and so on.
func (a linearAttention) tensors(l layer) {
	hidden, channels := l.d.hidden, 2*a.keys()+a.values()
	heads := func(inner int64) func(r, rows int64) int64 {
		return swapped(a.keyHeads, a.valueHeads/a.keyHeads, inner)
	}
	behindKeys := func(r, rows int64) int64 {
		if r < 2*a.keys() {
			return r
		}
		return 2*a.keys() + heads(a.valueDim)(r-2*a.keys(), 0)
	}
	l.add("linear_attn.in_proj_qkv", "attn_qkv", []int64{channels, hidden}, Transform{Order: behindKeys}, noBias)
	l.add("linear_attn.in_proj_z", "attn_gate", []int64{a.values(), hidden}, Transform{Order: heads(a.valueDim)}, noBias)
	l.add("linear_attn.in_proj_a", "ssm_alpha", []int64{a.valueHeads, hidden}, Transform{Order: heads(1)}, noBias)
	l.add("linear_attn.in_proj_b", "ssm_beta", []int64{a.valueHeads, hidden}, Transform{Order: heads(1)}, noBias)
	l.plain("linear_attn.A_log", "ssm_a", []int64{a.valueHeads}, Transform{Order: heads(1), Values: minusExp})
	l.plain("linear_attn.dt_bias", "ssm_dt.bias", []int64{a.valueHeads}, Transform{Order: heads(1)})
	l.cut("linear_attn.conv1d.weight", "ssm_conv1d.weight", []int64{channels, 1, a.conv}, []int64{channels, a.conv}, Transform{Order: behindKeys})
	l.add("linear_attn.norm", "ssm_norm", []int64{a.valueDim}, Transform{}, noBias)
	columns := heads(1)
	l.add("linear_attn.out_proj", "ssm_out", []int64{hidden, a.values()}, Transform{Run: a.valueDim, Order: func(r, rows int64) int64 {
		return r/a.valueHeads*a.valueHeads + columns(r%a.valueHeads, 0)
	}}, noBias)
}

// fusedTensors are those of Qwen3-Next: what a head of keys goes with stands together, its query, its key, its values and
// their gates.
func (a linearAttention) fusedTensors(l layer) {
	hidden, channels := l.d.hidden, 2*a.keys()+a.values()
	each := a.values() / a.keyHeads
	group := 2*a.keyDim + 2*each
	part := func(r, first, rows int64) int64 { return r/rows*group + first + r%rows }
	qkv := func(r, _ int64) int64 {
		switch {
		case r < a.keys():
			return part(r, 0, a.keyDim)
		case r < 2*a.keys():
			return part(r-a.keys(), a.keyDim, a.keyDim)
		}
		return part(r-2*a.keys(), 2*a.keyDim, each)
	}
	all := []int64{group * a.keyHeads, hidden}
	l.cut("linear_attn.in_proj_qkvz.weight", "attn_qkv.weight", all, []int64{channels, hidden}, Transform{Order: qkv})
	l.cut("linear_attn.in_proj_qkvz.weight", "attn_gate.weight", all, []int64{a.values(), hidden}, rowsOf(group, 2*a.keyDim+each, each))
	l.add("linear_attn.in_proj_ba", "ssm_ba", []int64{2 * a.valueHeads, hidden}, Transform{}, noBias)
	l.plain("linear_attn.A_log", "ssm_a", []int64{a.valueHeads}, Transform{Values: minusExp})
	l.plain("linear_attn.dt_bias", "ssm_dt.bias", []int64{a.valueHeads}, Transform{})
	l.cut("linear_attn.conv1d.weight", "ssm_conv1d.weight", []int64{channels, 1, a.conv}, []int64{channels, a.conv}, Transform{})
	l.add("linear_attn.norm", "ssm_norm", []int64{a.valueDim}, Transform{}, noBias)
	l.add("linear_attn.out_proj", "ssm_out", []int64{hidden, a.values()}, Transform{}, noBias)
}
