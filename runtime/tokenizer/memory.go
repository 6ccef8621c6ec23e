package tokenizer

import "strings"

// memory is where in ids a word's are, to copy them when it comes again, as nearly all words of a long text do.
type memory map[string][2]int

// mostSeen bounds the words that are remembered.
const mostSeen = 1 << 16

func (m memory) append(ids []int32, word string, tokens func(ids []int32, word string) []int32) []int32 {
	if at, ok := m[word]; ok {
		return append(ids, ids[at[0]:at[1]]...)
	}
	from := len(ids)
	ids = tokens(ids, word)
	if len(m) < mostSeen {
		m[word] = [2]int{from, len(ids)}
	}
	return ids
}

const lowerBlock = "▁" // stands for a space

// reachesOver reports whether a token has ▁ behind something else: whether it reaches over the beginning of a word. Where
// no token does, words are joined or cut by themselves.
func reachesOver(token string) bool {
	return strings.Contains(strings.TrimLeft(token, lowerBlock), lowerBlock)
}

// eachWord calls yield for the words of a text, each with the ▁ before it.
func eachWord(text string, yield func(word string)) {
	for text != "" {
		at := len(text) - len(strings.TrimLeft(text, lowerBlock))
		end := len(text)
		if i := strings.Index(text[at:], lowerBlock); i >= 0 {
			end = at + i
		}
		yield(text[:end])
		text = text[end:]
	}
}
