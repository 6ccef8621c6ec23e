package tokenizer

import "golang.org/x/text/unicode/norm"

// Spelt is what the tokens of text should spell: in normal form C where the tokenizer makes it that, behind the space
// that SentencePiece puts in front.
func (t *Tokenizer) Spelt(text string) string {
	switch m := t.model.(type) {
	case *bpe:
		if m.pre.NFC {
			return norm.NFC.String(text)
		}
	case *spm:
		if m.prefix && text != "" {
			return " " + text
		}
	}
	return text
}
