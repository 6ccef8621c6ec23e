package overlap

import (
	"iter"
	"unicode"
	"unicode/utf8"
)

// word is a word's hash and where it stands in the text, in bytes.
type word struct {
	hash       uint64
	start, end int
}

// unspaced are the scripts whose words are not set apart.
var unspaced = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}

// The 64-bit FNV-1a hash, over code points.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// empty reports whether text has no word.
func empty(text string) bool {
	for range words(text) {
		return false
	}
	return true
}

// words yields the words of text in order. Marks belong to the word they follow; bytes that are no UTF-8 separate.
func words(text string) iter.Seq[word] {
	return func(yield func(word) bool) {
		w := word{hash: fnvOffset}
		alone := false // w is one character of an unspaced script
		flush := func() bool {
			if w.end == w.start {
				return true
			}
			done := w
			done.hash = mix(w.hash)
			w = word{hash: fnvOffset}
			return yield(done)
		}
		for i, r := range text {
			inWord := w.end > w.start
			size := utf8.RuneLen(r)
			switch {
			case r == utf8.RuneError:
				if !flush() {
					return
				}
			case unicode.IsMark(r) && inWord:
				w.hash = (w.hash ^ uint64(r)) * fnvPrime
				w.end = i + size
			case unicode.IsLetter(r) || unicode.IsNumber(r):
				single := r > unicode.MaxLatin1 && (r == 'ー' || unicode.In(r, unspaced...))
				if (single || alone) && !flush() {
					return
				}
				if w.end == w.start {
					w.start = i
				}
				alone = single
				w.hash = (w.hash ^ uint64(unicode.ToLower(r))) * fnvPrime
				w.end = i + size
			default:
				if !flush() {
					return
				}
			}
		}
		flush()
	}
}

// mix spreads a hash over all bits (the end of SplitMix64).
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// base is the multiplier of the rolling hash, an odd number without a pattern.
const base = 0x9e3779b97f4a7c15

// window is the rolling hash of the last n words: a polynomial of their hashes (Rabin and Karp, 1987), modulo 2^64.
type window struct {
	ring  []uint64
	seen  int
	sum   uint64
	power uint64 // base^n
}

func newWindow(n int) *window {
	w := &window{ring: make([]uint64, n), power: 1}
	for range n {
		w.power *= base
	}
	return w
}

// add takes the next word; ok tells whether there are n yet.
func (w *window) add(hash uint64) (sum uint64, ok bool) {
	at := w.seen % len(w.ring)
	w.sum = w.sum*base + hash - w.ring[at]*w.power
	w.ring[at] = hash
	w.seen++
	return mix(w.sum), w.seen >= len(w.ring)
}
