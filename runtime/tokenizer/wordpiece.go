package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// wordPiece is BERT's: words are taken apart from the left, each time by the longest token. Tokens that begin a word
// have ▁ in front in GGUF; those that go on, which BERT marks with ##, have nothing.
type wordPiece struct {
	t            *Tokenizer
	lower, strip bool // small letters; no accents
	longest      int  // bytes of a token
}

// mostCharacters is the length from which BERT takes a word for unknown.
const mostCharacters = 100

func newWordPiece(t *Tokenizer, lower, strip bool) (*wordPiece, error) {
	if t.unk < 0 {
		return nil, errNoUnknown(t)
	}
	w := &wordPiece{t: t, lower: lower, strip: strip}
	for _, s := range t.tokens {
		w.longest = max(w.longest, len(s))
	}
	return w, nil
}

func (w *wordPiece) encode(ids []int32, text string) ([]int32, error) {
	seen := memory{}
	w.words(text, func(word []byte) { ids = seen.append(ids, string(word), w.append) })
	return ids, nil
}

// words calls yield for the words of a text as BERT writes them: without control characters, in small letters and
// without accents if so, and with punctuation and Chinese characters as words of their own.
func (w *wordPiece) words(text string, yield func(word []byte)) {
	if w.strip {
		text = norm.NFD.String(text)
	}
	var word []byte
	flush := func() {
		if len(word) > 0 {
			yield(word)
		}
		word = word[:0]
	}
	for _, r := range text {
		switch {
		case strings.ContainsRune(" \t\n\r", r):
			flush()
		case r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) || w.strip && unicode.Is(unicode.Mn, r):
		case unicode.IsSpace(r):
			flush()
		case isBERTPunctuation(r) || isChinese(r):
			flush()
			word = utf8.AppendRune(word, r)
			flush()
		case w.lower && r == 'İ': // the one character that is two in small letters
			word = append(word, "i̇"...)
		case w.lower:
			word = utf8.AppendRune(word, unicode.ToLower(r))
		default:
			word = utf8.AppendRune(word, r)
		}
	}
	flush()
}

// append appends the tokens of a word, or the unknown one for all of it.
func (w *wordPiece) append(ids []int32, word string) []int32 {
	from := len(ids)
	if utf8.RuneCountInString(word) > mostCharacters {
		return append(ids, w.t.unk)
	}
	text := lowerBlock + word
	for i := 0; i < len(text); {
		end := min(len(text), i+w.longest)
		least := i
		if i == 0 {
			least = len(lowerBlock)
		}
		id, ok := int32(0), false
		for ; end > least; end-- {
			if id, ok = w.t.ids[text[i:end]]; ok {
				break
			}
		}
		if !ok || i > 0 && strings.HasPrefix(text[i:end], lowerBlock) { // which is a token for the beginning
			return append(ids[:from], w.t.unk)
		}
		ids = append(ids, id)
		i = end
	}
	return ids
}

// isBERTPunctuation: all of ASCII that is no letter or digit is, too.
func isBERTPunctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return r > ' ' && r < 0x7f && !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
	}
	return unicode.IsPunct(r)
}

// isChinese tells the characters that BERT takes apart (its list; 2B920 is for 2B820 as in tokenizers).
func isChinese(r rune) bool {
	for _, block := range [][2]rune{{0x4e00, 0x9fff}, {0x3400, 0x4dbf}, {0x20000, 0x2a6df}, {0x2a700, 0x2b73f}, {0x2b740, 0x2b81f},
		{0x2b920, 0x2ceaf}, {0xf900, 0xfaff}, {0x2f800, 0x2fa1f}} {
		if r >= block[0] && r <= block[1] {
			return true
		}
	}
	return false
}

func (w *wordPiece) piece(id int32) []byte {
	if within, begins := strings.CutPrefix(w.t.tokens[id], lowerBlock); begins {
		return []byte(" " + within)
	}
	return []byte(w.t.tokens[id])
}

func (w *wordPiece) stripsSpace() bool { return true }
