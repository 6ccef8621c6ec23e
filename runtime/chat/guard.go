package chat

import (
	"fmt"
	"strings"

	"github.com/ardanlabs/jinja"
)

// Limits of templates. Those of published models have up to 40 KB, are nested ten deep, and take some turns for each message.
const (
	maxSource  = 256 << 10
	maxNesting = 100     // of brackets, and of blocks
	maxTurns   = 1 << 18 // of all loops of a rendering
	maxCalls   = 1 << 12 // of all macros of a rendering, which bounds how deep they call themselves
)

// Names of functions that are called for each turn of a loop and each call of a macro.
const (
	turnName = "carat_turn"
	callName = "carat_call"
)

// compile compiles a template with limits. The library counts nothing, and a macro that calls itself for ever would end the
// whole program; so each loop gets a condition that counts, and each macro a parameter whose default does.
func compile(source string) (t *jinja.Template, err error) {
	if source, err = guard(source); err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			t, err = nil, fmt.Errorf("the template is malformed: %v", r)
		}
	}()
	return jinja.Compile(source)
}

// guard checks the size and nesting of a template and makes its loops and macros count.
func guard(source string) (string, error) {
	if len(source) > maxSource {
		return "", fmt.Errorf("the template has %d bytes, more than %d", len(source), maxSource)
	}
	// apply_chat_template's Jinja knows no other line end, and drops the last.
	source = strings.TrimSuffix(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source), "\n")
	var out []piece
	text := func(s string) { out = append(out, piece{text: s}) }
	blocks, raw := 0, false
	for {
		at := strings.IndexByte(source, '{')
		if at < 0 || at+1 == len(source) {
			break
		}
		text(source[:at])
		source = source[at:]
		open := source[:2]
		if open == "{#" && !raw {
			end := strings.Index(source[2:], "#}")
			if end < 0 {
				break
			}
			out = append(out, piece{open: open, text: source[2 : end+2]})
			source = source[end+4:]
			continue
		}
		if open != "{{" && open != "{%" || open == "{{" && raw {
			text("{")
			source = source[1:]
			continue
		}
		end, err := tagEnd(source, open)
		if err != nil {
			return "", err
		}
		if end < 0 {
			break
		}
		tag := source[2:end]
		source = source[end:]
		word := ""
		if open == "{%" {
			word = keyword(tag)
			switch {
			case raw && word != "endraw":
				text(open + tag + source[:2])
				source = source[2:]
				continue
			case raw:
				raw = false
			case word == "raw":
				raw = true
			case word == "for":
				tag = countTurns(tag)
				blocks++
			case word == "macro":
				tag = countCalls(tag)
				blocks++
			case word == "generation", word == "endgeneration": // transformers' own, which marks what is learned
				tag = strings.Replace(tag, word, map[string]string{"generation": "if true", "endgeneration": "endif"}[word], 1)
			case word == "if", word == "call", word == "filter", word == "block", word == "set" && !strings.Contains(tag, "="):
				blocks++
			case strings.HasPrefix(word, "end"):
				blocks--
			}
			if blocks > maxNesting {
				return "", fmt.Errorf("its blocks are nested more than %d deep", maxNesting)
			}
		}
		out = append(out, piece{open: open, text: ordered(tag), word: word})
		source = source[2:]
	}
	text(source)
	return trim(freshTurns(out)), nil
}

// tagEnd is where the tag at the beginning of source has its closing brackets; -1 if it has none.
func tagEnd(source, open string) (int, error) {
	closing := map[string]string{"{{": "}}", "{%": "%}"}[open]
	depth := 0
	for i := 2; i < len(source); i++ {
		if depth == 0 && strings.HasPrefix(source[i:], closing) {
			return i, nil
		}
		switch source[i] {
		case '"', '\'':
			if i = stringEnd(source, i); i < 0 {
				return -1, nil
			}
		case '(', '[', '{':
			if depth++; depth > maxNesting {
				return -1, fmt.Errorf("its brackets are nested more than %d deep", maxNesting)
			}
		case ')', ']', '}':
			depth = max(0, depth-1)
		}
	}
	return -1, nil
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

// keyword is the first word of a statement.
func keyword(tag string) string {
	tag = strings.TrimLeft(tag, "-+ \t\n")
	n := 0
	for n < len(tag) && wordByte(tag[n]) {
		n++
	}
	return tag[:n]
}

func wordByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// findWord is the place of a word outside of brackets and strings; -1 if there is none.
func findWord(s, word string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\'':
			if i = stringEnd(s, i); i < 0 {
				return -1
			}
		case strings.IndexByte("([{", c) >= 0:
			depth++
		case strings.IndexByte(")]}", c) >= 0:
			depth--
		case depth == 0 && wordByte(c) && (i == 0 || !wordByte(s[i-1])):
			if rest := s[i:]; strings.HasPrefix(rest, word) && (len(rest) == len(word) || !wordByte(rest[len(word)])) {
				return i
			}
		}
	}
	return -1
}

// parts cuts the sign that trims white space from the end of a tag.
func parts(tag string) (body, sign string) {
	if n := len(tag); n > 0 && (tag[n-1] == '-' || tag[n-1] == '+') {
		return tag[:n-1], tag[n-1:]
	}
	return tag, ""
}

// countTurns makes {% for x in list if condition %} count: … if carat_turn() and (condition).
func countTurns(tag string) string {
	body, sign := parts(tag)
	tail := ""
	if i := findWord(body, "recursive"); i >= 0 {
		body, tail = body[:i], " recursive "
	}
	if i := findWord(body, "if"); i >= 0 {
		return body[:i] + "if " + turnName + "() and (" + body[i+2:] + ") " + tail + sign
	}
	return body + " if " + turnName + "() " + tail + sign
}

// countCalls makes {% macro name(a, b) %} count: (a, b, carat_call_=carat_call()).
func countCalls(tag string) string {
	body, sign := parts(tag)
	open, end := strings.IndexByte(body, '('), strings.LastIndexByte(body, ')')
	if open < 0 || end < open {
		return tag
	}
	comma := ", "
	if strings.TrimSpace(body[open+1:end]) == "" {
		comma = ""
	}
	return body[:end] + comma + callName + "_=" + callName + "()" + body[end:] + sign
}
