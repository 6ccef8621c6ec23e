// Package display is how names and sizes are printed, wherever they are: names come from files that anybody may have made,
// and a terminal, a table or a page must not obey what stands in them.
package display

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Name escapes what cannot be seen in one line of text, as Go source does: control characters, newlines and tabs
// included, characters that turn the direction of text or have no width, and bytes that are not UTF-8. "a\x1b[31m"
// becomes `a\x1b[31m`. Other text is returned as it is, backslashes too.
func Name(s string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !visible(r) }) < 0 {
		return s
	}
	var b strings.Builder
	for i, w := 0, 0; i < len(s); i += w {
		var r rune
		r, w = utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && w == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case visible(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// JSON escapes in JSON what Name escapes in text and JSON allows in strings: the value stays the same.
func JSON(b []byte) []byte {
	hidden := func(r rune) bool { return r != '\n' && !visible(r) }
	if bytes.IndexFunc(b, hidden) < 0 {
		return b
	}
	out := make([]byte, 0, len(b)+64)
	for _, r := range string(b) {
		switch {
		case !hidden(r):
			out = utf8.AppendRune(out, r)
		case r < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		}
	}
	return out
}

// visible says that a character is what it looks like. Spaces of other widths and joiners of letters and emoji are;
// separators of lines are not.
func visible(r rune) bool {
	switch r {
	case '\u200c', '\u200d', utf8.RuneError:
		return true
	}
	return unicode.IsPrint(r) || unicode.Is(unicode.Zs, r)
}

// units are those of sizes, each 1000 times the one before.
var units = []string{"B", "kB", "MB", "GB", "TB", "PB"}

// Bytes is a size in the unit a person would use: "999 B", "1.00 kB", "322.6 kB", "2.33 MB".
func Bytes[N int | int64 | float64](n N) string {
	v, unit := float64(n), 0
	for unit < len(units)-1 && rounded(v, unit) >= 1000 {
		v /= 1000
		unit++
	}
	return fmt.Sprintf("%.*f %s", decimals(v, unit), v, units[unit])
}

// rounded is v as it would be printed: 999.96 kB is 1.00 MB.
func rounded(v float64, unit int) float64 {
	p := math.Pow10(decimals(v, unit))
	return math.Abs(math.Round(v*p) / p)
}

func decimals(v float64, unit int) int {
	switch {
	case unit == 0:
		return 0
	case math.Abs(v) < 9.995:
		return 2
	}
	return 1
}
