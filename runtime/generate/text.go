package generate

import (
	"bytes"
	"unicode/utf8"
)

// text passes on the bytes of tokens as text that can be shown: characters as a whole, and nothing of a string that ends it. What may
// yet become one is held back until it is clear.
type text struct {
	stops [][]byte
	held  []byte
	found string // the stop string that ended the text
	emit  func([]byte) error
}

func newText(stops []string, emit func([]byte) error) *text {
	t := &text{emit: emit}
	for _, s := range stops {
		if s != "" {
			t.stops = append(t.stops, []byte(s))
		}
	}
	return t
}

// write adds the bytes of a token and reports whether the text has ended. The first stop string in the text ends it, of several that
// begin at one place the longest that is there.
func (t *text) write(piece []byte) (ended bool, err error) {
	t.held = append(t.held, piece...)
	first := -1
	for _, s := range t.stops {
		at := bytes.Index(t.held, s)
		if at >= 0 && (first < 0 || at < first || at == first && len(s) > len(t.found)) {
			first, t.found = at, string(s)
		}
	}
	if first >= 0 {
		err = t.pass(first)
		t.held = t.held[:0]
		return true, err
	}
	return false, t.pass(len(t.held) - t.undecided())
}

// undecided is the number of bytes at the end that may be the beginning of a stop string, or are that of a character.
func (t *text) undecided() int {
	n := unfinished(t.held)
	for _, s := range t.stops {
		for k := min(len(s)-1, len(t.held)); k > n; k-- {
			if bytes.HasSuffix(t.held, s[:k]) {
				n = k
			}
		}
	}
	return n
}

// unfinished is the number of bytes at the end that begin a character of UTF-8 and do not end it.
func unfinished(b []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

// pass emits the first n bytes that are held, if there are any.
func (t *text) pass(n int) error {
	if n == 0 {
		return nil
	}
	err := t.emit(t.held[:n])
	t.held = t.held[:copy(t.held, t.held[n:])]
	return err
}

// end passes on what is held but for an unfinished character.
func (t *text) end() error { return t.pass(len(t.held) - unfinished(t.held)) }
