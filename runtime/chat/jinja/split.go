package jinja

import (
	"regexp"
	"strings"
	"unicode"
)

// piece is a text, or a tag with the signs at its ends.
type piece struct {
	kind        byte // 0 is a text, { an expression, % a statement, # a comment
	text        string
	left, right byte // -, + or none
	line        int
}

// block reports whether a tag is a statement or a comment.
func (p piece) block() bool { return p.kind == '%' || p.kind == '#' }

// split parts a template into texts, trimmed as trim_blocks and lstrip_blocks have it, and the tags between them; comments are left out.
func split(source string, line *int) []piece {
	// Jinja knows no other line end, and drops the last.
	source = strings.TrimSuffix(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source), "\n")
	var out []piece
	var last piece // the tag before the text; none at the beginning
	*line = 1
	add := func(text string, next piece) {
		if t := between(last, text, next); t != "" {
			out = append(out, piece{text: t, line: *line})
		}
		*line += strings.Count(text, "\n")
		if next.line = *line; next.kind != 0 && next.kind != '#' {
			out = append(out, next)
		}
		*line += strings.Count(next.text, "\n")
		last = next
	}
	for {
		at := tagStart(source)
		if at < 0 {
			add(source, piece{})
			return out
		}
		tag, rest := cutTag(source[at:], line, strings.Count(source[:at], "\n"))
		add(source[:at], tag)
		source = rest
		if tag.kind == '%' && strings.TrimSpace(tag.text) == "raw" {
			end, tag, rest := endRaw(source)
			if end < 0 {
				fail("raw has no endraw")
			}
			out = out[:len(out)-1]
			add(source[:end], tag)
			out = out[:len(out)-1]
			source = rest
		}
	}
}

// tagStart is the place of the first tag; -1 if there is none.
func tagStart(source string) int {
	for i := 0; i+1 < len(source); i++ {
		if source[i] == '{' && strings.IndexByte("{%#", source[i+1]) >= 0 {
			return i
		}
	}
	return -1
}

// cutTag cuts the tag at the beginning of source.
func cutTag(source string, line *int, lines int) (tag piece, rest string) {
	kind := source[1]
	closing := map[byte]string{'{': "}}", '%': "%}", '#': "#}"}[kind]
	end := -1
	if kind == '#' {
		if end = strings.Index(source[2:], closing); end >= 0 {
			end += 2
		}
	} else {
		end = tagEnd(source, closing)
	}
	if end < 0 {
		*line += lines
		fail("the tag %.20q is unclosed", source)
	}
	tag = piece{kind: kind, text: source[2:end]}
	if t := tag.text; t != "" && (t[0] == '-' || t[0] == '+' && kind == '%') {
		tag.left, tag.text = t[0], t[1:]
	}
	if n := len(tag.text) - 1; n >= 0 && (tag.text[n] == '-' || tag.text[n] == '+' && kind != '{') {
		tag.right, tag.text = tag.text[n], tag.text[:n]
	}
	return tag, source[end+2:]
}

// tagEnd is the place of the brackets that close the tag at the beginning of source, outside of strings and brackets; -1 if there are none.
func tagEnd(source, closing string) int {
	depth := 0
	for i := 2; i < len(source); i++ {
		if depth == 0 && strings.HasPrefix(source[i:], closing) {
			return i
		}
		switch source[i] {
		case '"', '\'':
			if i = stringEnd(source, i); i < 0 {
				return -1
			}
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth = max(0, depth-1)
		}
	}
	return -1
}

// stringEnd is the place of the quote that ends the string that begins at i; -1 if there is none.
func stringEnd(s string, i int) int {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case quote:
			return i
		}
	}
	return -1
}

var endraw = regexp.MustCompile(`\{%([-+]?)\s*endraw\s*([-+]?)%\}`)

// endRaw finds {% endraw %}; -1 if there is none.
func endRaw(source string) (at int, tag piece, rest string) {
	m := endraw.FindStringSubmatchIndex(source)
	if m == nil {
		return -1, tag, ""
	}
	sign := func(from, to int) byte {
		if from == to {
			return 0
		}
		return source[from]
	}
	return m[0], piece{kind: '%', text: "endraw", left: sign(m[2], m[3]), right: sign(m[4], m[5])}, source[m[1]:]
}

// between is what is left of the text between two tags.
func between(last piece, text string, next piece) string {
	lineStart := last.kind == 0
	if last.right == '-' {
		rest := strings.TrimLeftFunc(text, unicode.IsSpace)
		lineStart = strings.HasSuffix(text[:len(text)-len(rest)], "\n")
		text = rest
	} else if last.block() && last.right == 0 && strings.TrimSpace(last.text) != "raw" {
		rest := strings.TrimPrefix(text, "\n")
		lineStart = rest != text
		text = rest
	}
	if next.left == '-' {
		return strings.TrimRightFunc(text, unicode.IsSpace)
	}
	if at := strings.LastIndexByte(text, '\n') + 1; next.block() && next.left == 0 && (at > 0 || lineStart) && strings.Trim(text[at:], " \t") == "" {
		return text[:at]
	}
	return text
}
