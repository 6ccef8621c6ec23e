// Package suggest words the errors about names that do not exist, all in one pattern:
//
//	unknown tensor type "q4k"; did you mean Q4_K?
//
// Names are near when few letters have to be changed, added, dropped or swapped with their neighbour (the upper
// and the lower case are one, so are "-" and "_"), or when one contains the other.
package suggest

import (
	"fmt"
	"slices"
	"strings"
)

// Nearest returns at most n of names that word may stand for, the nearest first; names that are equally near
// keep their order. It is empty when none is near.
func Nearest(word string, names []string, n int) []string {
	type near struct {
		name     string
		distance int
	}
	w := fold(word)
	if w == "" {
		return nil
	}
	var found []near
	for _, name := range names {
		f := fold(name)
		limit := min(max(len(w), len(f))/3, max(1, len(w)/2))
		if len(w) > maxWord || len(f) > maxWord {
			continue
		}
		d := distance(w, f)
		switch {
		case d <= limit:
			found = append(found, near{name, d})
		case contains(f, w) || contains(w, f):
			found = append(found, near{name, maxWord + d}) // behind all that are misspelt
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return a.distance - b.distance })
	var out []string
	for _, f := range found {
		if len(out) == n {
			break
		}
		if !slices.Contains(out, f.name) {
			out = append(out, f.name)
		}
	}
	return out
}

// maxWord bounds the work for one pair of names: nobody misspells a longer one.
const maxWord = 128

// DidYouMean returns "; did you mean x, y or z?" with up to three of the names that are nearest to word, or
// nothing when none is near. It continues an error message.
func DidYouMean(word string, names []string) string {
	near := Nearest(word, names, 3)
	if len(near) == 0 {
		return ""
	}
	return "; did you mean " + Or(near) + "?"
}

// Unknown returns the whole message: `unknown kind "word"; did you mean x?`.
func Unknown(kind, word string, names []string) string {
	return fmt.Sprintf("unknown %s %q%s", kind, word, DidYouMean(word, names))
}

// OneOf is Unknown for a short list, which it states where no name is near: `unknown kind "word"; expected a or b`.
func OneOf(kind, word string, names []string) string {
	if near := DidYouMean(word, names); near != "" {
		return fmt.Sprintf("unknown %s %q%s", kind, word, near)
	}
	return fmt.Sprintf("unknown %s %q; expected %s", kind, word, Or(names))
}

// Or lists alternatives as a sentence does: "a", "a or b", "a, b or c".
func Or(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// contains reports whether short, of at least three letters, is in long.
func contains(long, short string) bool { return len(short) >= 3 && strings.Contains(long, short) }

// fold makes names that differ only in case or in "-" and "_" equal.
func fold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "-") }

// distance counts the insertions, deletions, substitutions and swaps of neighbours that make b of a.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
