package recipe

import "strings"

// category is the part a tensor plays, told from its name.
type category int

const (
	other category = iota
	output
	tokenEmbedding
	attnQKV
	attnKVB
	attnV
	attnK
	attnQ
	attnOutput
	ffnUp
	ffnGate
	ffnDown
)

// categoryOf takes the first that matches.
func categoryOf(name string) category {
	switch {
	case name == "output.weight":
		return output
	case name == "token_embd.weight" || name == "per_layer_token_embd.weight":
		return tokenEmbedding
	}
	for _, c := range []struct {
		part string
		cat  category
	}{
		{"attn_qkv.weight", attnQKV}, {"attn_kv_b.weight", attnKVB}, {"attn_v.weight", attnV}, {"attn_k.weight", attnK}, {"attn_q.weight", attnQ},
		{"attn_output.weight", attnOutput}, {"ffn_up", ffnUp}, {"ffn_gate", ffnGate}, {"ffn_down", ffnDown},
	} {
		if strings.Contains(name, c.part) {
			return c.cat
		}
	}
	return other
}

// valueLike tensors carry the attention's values, which deserve more bits.
func (c category) valueLike() bool { return c == attnV || c == attnQKV || c == attnKVB }
