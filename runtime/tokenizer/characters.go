package tokenizer

import (
	"slices"
	"strings"
	"unicode"

	"github.com/carat-llm/carat/gguf/names"
)

// charBPE joins characters in the order of the merges (Gemma 4 and others of names.Spaced and names.Words).
type charBPE struct {
	t      *Tokenizer
	split  *Splitter
	joins  names.Joins
	lower  bool
	merges mergeTable
	bytes  byteTokens
	words  bool // nothing is joined over the beginning of a word
}

func newCharBPE(t *Tokenizer, split *Splitter, joins names.Joins, merges [][2]string, lower bool) *charBPE {
	words := !slices.ContainsFunc(merges, func(m [2]string) bool { return reachesOver(m[0] + m[1]) })
	return &charBPE{t, split, joins, lower, newMergeTable(numbering(t.ids), merges), t.byteTokens(), words}
}

func (b *charBPE) encode(ids []int32, text string) (_ []int32, err error) {
	if b.joins == names.Spaced {
		text = strings.ReplaceAll(text, " ", lowerBlock)
	}
	if b.lower {
		text = strings.ToLower(text)
	}
	seen := memory{}
	add := func(part string) {
		if err == nil {
			ids = seen.append(ids, part, func(ids []int32, part string) []int32 {
				ids, err = b.append(ids, part)
				return ids
			})
		}
	}
	b.split.Each(text, func(part string) {
		switch {
		case b.joins == names.Words && strings.TrimFunc(part, unicode.IsSpace) == "":
		case b.joins == names.Spaced && b.words:
			eachWord(part, add)
		default:
			add(part)
		}
	})
	return ids, err
}

// append appends the ids of one part. Line ends are taken whole where there is a token for as many: llama.cpp does so,
// since its merges have none.
func (b *charBPE) append(ids []int32, part string) (_ []int32, err error) {
	if part[0] == '\n' && b.joins == names.Spaced {
		if id, ok := b.t.ids[part]; ok {
			return append(ids, id), nil
		}
	}
	var buf [few]symbol
	merge(b.t.characters(buf[:0], part), b.merges.rank, func(c *symbol) {
		switch piece := part[c.start:c.end]; {
		case c.id >= 0:
			ids = append(ids, c.id)
		case err != nil:
		case b.t.unk >= 0 && b.bytes[piece[0]] < 0:
			ids = append(ids, b.t.unk)
		default:
			ids, err = b.bytes.append(ids, piece)
		}
	})
	return ids, err
}

func (b *charBPE) piece(id int32) []byte {
	if b.joins == names.Spaced {
		return b.t.spacedPiece(id)
	}
	return []byte(b.t.tokens[id])
}

func (b *charBPE) stripsSpace() bool { return false }
