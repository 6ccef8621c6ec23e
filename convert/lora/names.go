package lora

import "regexp"

// part is what a tensor of an adapter is to the module that it changes.
type part int

const (
	factorA   part = iota
	factorB        // of a linear layer
	embeddedA      // of an embedding, which are transposed
	embeddedB
	magnitude // DoRA's lengths
	whole     // a tensor that takes the place of the base model's
	unknown
)

// patterns tell parts by their names. Older versions of PEFT put the adapter's name, "default", behind them.
var patterns = []struct {
	part part
	name *regexp.Regexp // of the module, or of the tensor that is replaced
}{
	{factorA, regexp.MustCompile(`^(.+)\.lora_A(?:\.[^.]+)?\.weight$`)},
	{factorB, regexp.MustCompile(`^(.+)\.lora_B(?:\.[^.]+)?\.weight$`)},
	{embeddedA, regexp.MustCompile(`^(.+)\.lora_embedding_A(?:\.[^.]+)?$`)},
	{embeddedB, regexp.MustCompile(`^(.+)\.lora_embedding_B(?:\.[^.]+)?$`)},
	{magnitude, regexp.MustCompile(`^(.+)\.lora_magnitude_vector(?:\.[^.]+)?(?:\.weight)?$`)},
	{unknown, regexp.MustCompile(`^(.+\.lora_.+)$`)},
	{unknown, regexp.MustCompile(`^(.*trainable_tokens.*)$`)},
	{whole, regexp.MustCompile(`^(.+)\.modules_to_save(?:\.[^.]+)?(\.weight|\.bias)$`)},
	{whole, regexp.MustCompile(`^(.+)\.base_layer(\.weight|\.bias)$`)},
	{whole, regexp.MustCompile(`^(.+)$`)},
}

var prefix = regexp.MustCompile(`^base_model\.model\.`)

// parse returns what a tensor is and the name of its module, or of the tensor that it replaces.
func parse(name string) (part, string) {
	name = prefix.ReplaceAllString(name, "")
	for _, p := range patterns {
		if m := p.name.FindStringSubmatch(name); m != nil {
			if len(m) > 2 {
				return p.part, m[1] + m[2]
			}
			return p.part, m[1]
		}
	}
	return unknown, name
}
