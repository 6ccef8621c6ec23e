package vocab

import (
	"fmt"
	"strings"
)

// vocabulary is a growing token table.
type vocabulary struct {
	tokens []string
	scores []float32
	types  []int32
}

// newVocabulary has size padding tokens.
func newVocabulary(size int) *vocabulary {
	v := &vocabulary{make([]string, size), make([]float32, size), make([]int32, size)}
	for i := range size {
		v.set(i, fmt.Sprintf("[PAD%d]", i), -10000, unused)
	}
	return v
}

func (v *vocabulary) set(id int, token string, score float32, typ int32) {
	v.tokens[id], v.scores[id], v.types[id] = token, score, typ
}

// spaceAdded spells added tokens that are not special with the spaces that they have in a text.
func (v *vocabulary) spaceAdded() {
	for id, typ := range v.types {
		if typ == userDefined {
			v.tokens[id] = strings.ReplaceAll(v.tokens[id], "▁", " ")
		}
	}
}

// write adds the table; scores only for models that use them.
func (v *vocabulary) write(l *list, model, pre string, scores bool) {
	l.add("tokenizer.ggml.model", model)
	l.add("tokenizer.ggml.pre", pre)
	l.add("tokenizer.ggml.tokens", v.tokens)
	if scores {
		l.add("tokenizer.ggml.scores", v.scores)
	}
	l.add("tokenizer.ggml.token_type", v.types)
}
