package page

import (
	"fmt"
	"strings"

	"github.com/carat-llm/carat/eval/report"
)

// commonEnds are what all candidates' names begin and end with, up to a separator: "tiny-llama-" and ".gguf". Pictures
// leave them out; they are empty when there is one candidate, or when nothing would be left of a name.
func commonEnds(r *report.Report) (prefix, suffix string) {
	if len(r.Candidates) < 2 {
		return "", ""
	}
	prefix = clean(r.Candidates[0].Name)
	suffix = prefix
	for i := range r.Candidates {
		n := clean(r.Candidates[i].Name)
		for !strings.HasPrefix(n, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
		for !strings.HasSuffix(n, suffix) {
			suffix = suffix[1:]
		}
	}
	prefix = prefix[:strings.LastIndexAny(prefix, "-. ")+1] // an underscore may be of Q4_K_M
	if i := strings.IndexAny(suffix, "-. "); i >= 0 {
		suffix = suffix[i:]
	} else {
		suffix = ""
	}
	for i := range r.Candidates {
		if len(clean(r.Candidates[i].Name)) <= len(prefix)+len(suffix) {
			return "", ""
		}
	}
	return prefix, suffix
}

// leftOut tells of the ends that labels do not have.
func leftOut(prefix, suffix string) string {
	switch {
	case prefix != "" && suffix != "":
		return fmt.Sprintf("names without “%s” and “%s”", prefix, suffix)
	case prefix+suffix != "":
		return fmt.Sprintf("names without “%s”", prefix+suffix)
	}
	return ""
}

// plotLabel is the file type where that tells the candidate from the others, and else the name without the ends, cut;
// named says which. Controls have their names where there is room: of what they are the type says nothing.
func plotLabel(r *report.Report, c *report.Candidate, prefix, suffix string, narrow bool) (label string, named bool) {
	same := 0
	for i := range r.Candidates {
		if o := &r.Candidates[i]; o.FileType == c.FileType && o.Role == c.Role {
			same++
		}
	}
	s := clean(c.FileType)
	if s == "" || same > 1 || c.Role == report.Control && !narrow {
		s, named = strings.TrimSuffix(strings.TrimPrefix(clean(c.Name), prefix), suffix), true
	}
	if u := []rune(s); len(u) > 24 {
		s = string(u[:11]) + "…" + string(u[len(u)-12:])
	}
	return s, named
}
