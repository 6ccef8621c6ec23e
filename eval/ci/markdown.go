package ci

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/carat-llm/carat/eval/report"
)

// Limits of GitHub, in bytes; a comment's is in characters, of which there are no more than bytes.
const (
	MaxSummary = 1<<20 - 1
	MaxComment = 65536 - 1
)

// StepSummary writes the report's Markdown for $GITHUB_STEP_SUMMARY, which takes limit bytes more; what does not fit
// is cut off and said to be.
func StepSummary(w io.Writer, r *report.Report, render Render, limit int) error {
	var b bytes.Buffer
	if err := render(&b, r); err != nil {
		return err
	}
	_, err := io.WriteString(w, cutMarkdown(b.String(), limit))
	return err
}

// Comment writes the body of a pull request's comment. Its first line is Marker(name), by which the comment is found
// again and replaced.
func Comment(w io.Writer, r *report.Report, name string, render Render) error {
	if _, err := io.WriteString(w, Marker(name)+"\n"); err != nil {
		return err
	}
	return StepSummary(w, r, render, MaxComment-len(Marker(name))-1)
}

// Marker is the hidden line of the comment of the gate called name: letters, digits, "." and "_" of it, other runs as
// one "-".
func Marker(name string) string {
	words := strings.FieldsFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_'
	})
	return "<!-- carat:gate:" + strings.Join(words, "-") + " -->"
}

const cutNote = "\n\n_Cut here: the rest is in the report._\n"

// cutMarkdown shortens s to limit bytes, at the end of a line, and closes what that left open.
func cutMarkdown(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	const open, end = "<details", "</details>"
	for room := limit - len(cutNote); room > 0; room -= 64 {
		head := cut(s, room)
		head = head[:strings.LastIndexByte(head, '\n')+1]
		tail := ""
		if strings.Count("\n"+head, "\n```")%2 == 1 {
			tail += "```\n"
		}
		if n := strings.Count(head, open) - strings.Count(head, end); n > 0 {
			tail += strings.Repeat("\n"+end+"\n", n)
		}
		if len(head)+len(tail)+len(cutNote) <= limit {
			return head + tail + cutNote
		}
	}
	return cut("_Too long._", max(limit, 0))
}

// cut shortens s to at most n bytes, not within a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
