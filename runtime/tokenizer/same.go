package tokenizer

import (
	"maps"
	"reflect"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// Same reports that other is a Tokenizer that reads every text as t does, because both were made from the same metadata.
// Others may do so too, but that takes reading a text to tell.
func (t *Tokenizer) Same(other any) bool {
	o, ok := other.(*Tokenizer)
	return ok && (t == o || maps.Equal(t.strips, o.strips) && maps.Equal(t.stripsBefore, o.stripsBefore) && reflect.DeepEqual(t.made, o.made))
}

// madeFrom are the entries that New makes a tokenizer from; beside them it reads the model's name, for strips.
func madeFrom(md *gguf.Metadata) map[string]any {
	made := map[string]any{}
	for _, kv := range md.All() {
		if strings.HasPrefix(kv.Key, "tokenizer.ggml.") {
			made[kv.Key] = kv.Value
		}
	}
	return made
}
