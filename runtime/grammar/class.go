package grammar

import (
	"slices"
	"unicode/utf8"
)

// runes are the characters from lo to hi.
type runes struct{ lo, hi rune }

// complement are all characters that are in none of the ranges.
func complement(ranges []runes) []runes {
	slices.SortFunc(ranges, func(a, b runes) int { return int(a.lo - b.lo) })
	var out []runes
	next := rune(0)
	for _, r := range ranges {
		if r.lo > next {
			out = append(out, runes{next, r.lo - 1})
		}
		next = max(next, r.hi+1)
	}
	if next <= utf8.MaxRune {
		out = append(out, runes{next, utf8.MaxRune})
	}
	return out
}

// span is a range of bytes.
type span struct{ lo, hi byte }

// sequences calls yield with the sequences of spans that are the UTF-8 of the characters from lo to hi; there is none for halves
// of surrogate pairs. The method is that of RE2.
func sequences(lo, hi rune, yield func([]span)) {
	if lo > hi {
		return
	}
	if lo <= 0xdfff && hi >= 0xd800 {
		sequences(lo, 0xd7ff, yield)
		sequences(0xe000, hi, yield)
		return
	}
	for _, most := range []rune{0x7f, 0x7ff, 0xffff} { // of one length
		if lo <= most && hi > most {
			sequences(lo, most, yield)
			sequences(most+1, hi, yield)
			return
		}
	}
	for shift := 6; shift < 24 && hi > 0x7f; shift += 6 { // of all continuations, or of one
		m := rune(1)<<shift - 1
		if lo&^m == hi&^m {
			continue
		}
		if lo&m != 0 {
			sequences(lo, lo|m, yield)
			sequences((lo|m)+1, hi, yield)
			return
		}
		if hi&m != m {
			sequences(lo, hi&^m-1, yield)
			sequences(hi&^m, hi, yield)
			return
		}
	}
	var first, last [utf8.UTFMax]byte
	n := utf8.EncodeRune(first[:], lo)
	utf8.EncodeRune(last[:], hi)
	out := make([]span, n)
	for i := range out {
		out[i] = span{first[i], last[i]}
	}
	yield(out)
}
