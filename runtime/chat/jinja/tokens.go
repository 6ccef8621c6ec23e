package jinja

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a word of an expression: a name, a value, or an operator or bracket.
type token struct {
	kind  byte // n a name, v a value, o an operator or bracket; 0 is the end
	text  string
	value any
}

// operators are longest first.
var operators = []string{"**", "//", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "<", ">", "=", "(", ")", "[", "]", "{", "}", ".", ",", ":", "|"}

// tokens parts the text of a tag.
func tokens(s string) (out []token) {
next:
	for {
		s = strings.TrimLeft(s, " \t\n")
		if s == "" {
			return append(out, token{text: "the end of the tag"})
		}
		c, _ := utf8.DecodeRuneInString(s)
		switch {
		case c == '"' || c == '\'':
			end := stringEnd(s, 0)
			if end < 0 {
				fail("a string is unclosed")
			}
			text := unescape(s[1:end])
			s = s[end+1:]
			if n := len(out) - 1; n >= 0 && out[n].kind == 'v' {
				if before, ok := out[n].value.(string); ok { // strings side by side are one
					out[n].value = before + text
					continue
				}
			}
			out = append(out, token{'v', "a string", text})
		case c >= '0' && c <= '9':
			n := numberEnd(s)
			out = append(out, token{'v', s[:n], number(s[:n])})
			s = s[n:]
		case c == '_' || unicode.IsLetter(c):
			n := strings.IndexFunc(s, func(c rune) bool { return c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) })
			if n < 0 {
				n = len(s)
			}
			out = append(out, token{kind: 'n', text: s[:n]})
			s = s[n:]
		default:
			for _, o := range operators {
				if strings.HasPrefix(s, o) {
					out = append(out, token{kind: 'o', text: o})
					s = s[len(o):]
					continue next
				}
			}
			fail("unexpected character %q", c)
		}
	}
}

// numberEnd is where the number at the beginning of s ends: digits, a fraction, an exponent. 1.e is a number and an attribute.
func numberEnd(s string) int {
	if len(s) > 2 && s[0] == '0' && strings.IndexByte("xXoObB", s[1]) >= 0 {
		n := 2
		for n < len(s) && (s[n] == '_' || s[n] >= '0' && s[n] <= '9' || s[n] >= 'a' && s[n] <= 'f' || s[n] >= 'A' && s[n] <= 'F') {
			n++
		}
		return n
	}
	digits := func(i int) int {
		for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '_') {
			i++
		}
		return i
	}
	n := digits(0)
	if n+1 < len(s) && s[n] == '.' && s[n+1] >= '0' && s[n+1] <= '9' {
		n = digits(n + 1)
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		e := n + 1
		if e < len(s) && (s[e] == '+' || s[e] == '-') {
			e++
		}
		if end := digits(e); end > e {
			n = end
		}
	}
	return n
}

func number(s string) any {
	plain := strings.ReplaceAll(s, "_", "")
	if i, err := strconv.ParseInt(plain, 10, 64); err == nil {
		return i
	}
	if len(plain) > 1 && plain[0] == '0' {
		if i, err := strconv.ParseInt(plain, 0, 64); err == nil {
			return i
		}
	}
	f, err := strconv.ParseFloat(plain, 64)
	if err != nil || !strings.ContainsAny(plain, ".eE") {
		fail("%s is no number of 64 bits", s)
	}
	return f
}

// unescape reads the text of a string as Python does.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			out.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case '\n':
		case 'n', 't', 'r', 'b', 'f', 'v', 'a':
			out.WriteByte(map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', 'v': '\v', 'a': '\a'}[c])
		case '\\', '\'', '"':
			out.WriteByte(c)
		case 'x', 'u', 'U':
			n := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
			v, err := strconv.ParseUint(s[i+1:min(len(s), i+1+n)], 16, 32)
			if i+1+n > len(s) || err != nil {
				fail(`a string has a broken escape \%c`, c)
			}
			out.WriteRune(rune(v))
			i += n
		case '0', '1', '2', '3', '4', '5', '6', '7':
			n := 1
			for n < 3 && i+n < len(s) && s[i+n] >= '0' && s[i+n] <= '7' {
				n++
			}
			v, _ := strconv.ParseUint(s[i:i+n], 8, 32) // of these digits
			out.WriteRune(rune(v))
			i += n - 1
		default:
			out.WriteString(s[i-1 : i+1])
		}
	}
	return out.String()
}
