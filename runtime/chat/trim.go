package chat

import (
	"strings"
	"unicode"
)

// trim trims white space as Jinja does with trim_blocks and lstrip_blocks, and returns a template that has expressions for its texts and no
// signs: the library's own trimming goes beyond tags that stand side by side.
func trim(pieces []piece) string {
	var out, text strings.Builder
	var last piece // the tag before the text; none at the beginning
	for i := 0; i <= len(pieces); i++ {
		if i < len(pieces) && pieces[i].open == "" {
			text.WriteString(pieces[i].text)
			continue
		}
		var next piece
		if i < len(pieces) {
			next = pieces[i]
		}
		if t := between(last, text.String(), next); t != "" {
			out.WriteString("{{ " + quote(t) + " }}")
		}
		text.Reset()
		last = next
		if next.open == "{%" && next.word != "raw" && next.word != "endraw" || next.open == "{{" {
			before, after := signs(next.text)
			out.WriteString(next.open + strings.TrimSuffix(strings.TrimPrefix(next.text, before), after) + map[string]string{"{%": "%}", "{{": "}}"}[next.open])
		}
	}
	return out.String()
}

// between is what is left of the text between two tags.
func between(last piece, text string, next piece) string {
	lineStart := last.open == ""
	if _, after := signs(last.text); after == "-" {
		rest := strings.TrimLeftFunc(text, unicode.IsSpace)
		lineStart = strings.HasSuffix(text[:len(text)-len(rest)], "\n")
		text = rest
	} else if last.block() && after == "" {
		rest := strings.TrimPrefix(text, "\n")
		lineStart = rest != text
		text = rest
	}
	before, _ := signs(next.text)
	if before == "-" {
		return strings.TrimRightFunc(text, unicode.IsSpace)
	}
	if at := strings.LastIndexByte(text, '\n') + 1; next.block() && before == "" && (at > 0 || lineStart) && strings.Trim(text[at:], " \t") == "" {
		return text[:at]
	}
	return text
}

// block reports whether a tag is a statement or a comment.
func (p piece) block() bool { return p.open == "{%" || p.open == "{#" }

// quote is a text as a literal of Jinja.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace(text) + `"`
}
