package chat

import (
	"fmt"
	"slices"
	"strings"
)

// piece is text, or a tag with how it opens and its first word if it is a statement.
type piece struct{ open, text, word string }

// freshTurns makes what a turn of a loop sets unknown to the next, as it is in Jinja and is not in the library: a variable that is set in a
// loop is kept before it under another name, and taken from there at the beginning of each turn.
func freshTurns(pieces []piece) []piece {
	type frame struct {
		word  string
		at    int
		names []string
	}
	var stack []frame
	sets := map[int][]string{} // names that are set in a loop, by the place of its tag
	for i, p := range pieces {
		switch p.word {
		case "for", "macro", "call":
			stack = append(stack, frame{word: p.word, at: i})
		case "endfor", "endmacro", "endcall":
			if n := len(stack) - 1; n >= 0 {
				if stack[n].word == "for" {
					sets[stack[n].at] = stack[n].names
				}
				stack = stack[:n]
			}
		case "set":
			if n := len(stack) - 1; n >= 0 {
				stack[n].names = append(stack[n].names, setNames(p.text)...)
			}
		}
	}
	var out []piece
	for i, p := range pieces {
		names := sets[i]
		if len(names) == 0 {
			out = append(out, p)
			continue
		}
		var keep, take []piece
		before, after := signs(p.text)
		slices.Sort(names)
		targets, _, _ := strings.Cut(p.text[max(0, findWord(p.text, "for"))+len(p.word):], " in ")
		for _, name := range slices.Compact(names) {
			if findWord(targets, name) < 0 {
				kept := fmt.Sprintf("carat_%d_%s", i, name)
				keep = append(keep, piece{open: "{%", text: fmt.Sprintf(" set %s = %s ", kept, name), word: "set"})
				take = append(take, piece{open: "{%", text: fmt.Sprintf(" set %s = %s ", name, kept), word: "set"})
			}
		}
		if keep == nil {
			out = append(out, p)
			continue
		}
		// The signs that trim white space belong to what is first and last now.
		p.text = strings.TrimSuffix(strings.TrimPrefix(p.text, before), after)
		keep[0].text = before + keep[0].text
		take[len(take)-1].text += after
		out = append(append(append(out, keep...), p), take...)
	}
	return out
}

// signs are those at the ends of a tag.
func signs(tag string) (before, after string) {
	if tag != "" && (tag[0] == '-' || tag[0] == '+') {
		before = tag[:1]
	}
	_, after = parts(tag)
	return before, after
}

// setNames are the variables of {% set a, b = … %} or {% set a %}; not those of namespaces.
func setNames(tag string) (names []string) {
	tag, _ = parts(strings.TrimLeft(tag, "-+ \t\n"))
	targets, _, _ := strings.Cut(strings.TrimPrefix(tag, "set"), "=")
	for _, name := range strings.Split(targets, ",") {
		name = strings.TrimSpace(name)
		if name != "" && strings.IndexFunc(name, func(r rune) bool { return r > 0x7f || !wordByte(byte(r)) }) < 0 {
			names = append(names, name)
		}
	}
	return names
}
