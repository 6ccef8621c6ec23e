package tokenizer

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// class says what a character is, as the regular expressions of pre-tokenizers ask.
type class uint8

const (
	isLetter  class = 1 << iota // \p{L}
	isMark                      // \p{M}
	isNumber                    // \p{N}
	isSpace                     // \s
	isMarking                   // \p{P} or \p{S}
	isUpper                     // \p{Lu}, \p{Lt}, \p{Lm}, \p{Lo} or \p{M}: may stand where capitals do
	isLower                     // \p{Ll}, \p{Lm}, \p{Lo} or \p{M}: may stand behind them
	isBreak                     // \r or \n
)

const isWord = isLetter | isMark

// classes are those of all characters, in two steps: blocks are shared by pages of 256 characters that are alike.
var classes = sync.OnceValue(func() *classTable {
	flat := make([]class, unicode.MaxRune+1)
	set := func(t *unicode.RangeTable, c class) {
		for _, r := range t.R16 {
			for x := rune(r.Lo); x <= rune(r.Hi); x += rune(r.Stride) {
				flat[x] |= c
			}
		}
		for _, r := range t.R32 {
			for x := rune(r.Lo); x <= rune(r.Hi); x += rune(r.Stride) {
				flat[x] |= c
			}
		}
	}
	set(unicode.L, isLetter)
	set(unicode.M, isMark)
	set(unicode.N, isNumber)
	set(unicode.White_Space, isSpace)
	set(unicode.P, isMarking)
	set(unicode.S, isMarking)
	for _, t := range []*unicode.RangeTable{unicode.Lu, unicode.Lt, unicode.Lm, unicode.Lo, unicode.M} {
		set(t, isUpper)
	}
	for _, t := range []*unicode.RangeTable{unicode.Ll, unicode.Lm, unicode.Lo, unicode.M} {
		set(t, isLower)
	}
	flat['\r'] |= isBreak
	flat['\n'] |= isBreak
	t := &classTable{}
	seen := map[[256]class]uint16{}
	for page := range t.pages {
		block := [256]class(flat[page<<8:])
		at, ok := seen[block]
		if !ok {
			at = uint16(len(t.blocks))
			t.blocks = append(t.blocks, block)
			seen[block] = at
		}
		t.pages[page] = at
	}
	t.ascii = [utf8.RuneSelf]class(flat)
	return t
})

type classTable struct {
	ascii  [utf8.RuneSelf]class
	pages  [(unicode.MaxRune + 1) >> 8]uint16
	blocks [][256]class
}

// at is the class and the length of the character at text[i:]; 0 and 0 at the end.
func (t *classTable) at(text string, i int) (class, int) {
	if i >= len(text) {
		return 0, 0
	}
	if c := text[i]; c < utf8.RuneSelf {
		return t.ascii[c], 1
	}
	r, n := utf8.DecodeRuneInString(text[i:])
	return t.blocks[t.pages[r>>8]][r&255], n
}

// run is where the characters from text[i:] on that have one of the classes end.
func (t *classTable) run(text string, i int, of class) int {
	for {
		c, n := t.at(text, i)
		if c&of == 0 {
			return i
		}
		i += n
	}
}

// runNot is where the characters from text[i:] on that have none of the classes end.
func (t *classTable) runNot(text string, i int, of class) int {
	for {
		c, n := t.at(text, i)
		if n == 0 || c&of != 0 {
			return i
		}
		i += n
	}
}
