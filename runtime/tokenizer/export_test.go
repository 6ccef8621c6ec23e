package tokenizer

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Spelt is what the tokens of text should spell: in normal form C where the tokenizer makes it that, behind the space
// that SentencePiece puts in front. It is false for models that do not keep a text as it is.
func (t *Tokenizer) Spelt(text string) (string, bool) {
	switch m := t.model.(type) {
	case *bpe:
		if m.pre.NFC {
			return norm.NFC.String(text), true
		}
	case *spm:
		if m.prefix && text != "" {
			return " " + text, true
		}
	case *charBPE:
		return strings.ReplaceAll(text, lowerBlock, " "), true
	default:
		return "", false
	}
	return text, true
}
