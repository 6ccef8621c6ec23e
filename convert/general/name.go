package general

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// id is a model's name taken apart.
type id struct {
	organization, full, basename, finetune, version, size string
	hasOrganization                                       bool // an empty one is one, too
}

// putID adds what a model's id such as "HuggingFaceTB/SmolLM2-135M-Instruct" says.
func (f *facts) putID(s string, params int64) {
	p := parseID(s, params)
	f.put("name", title(p.full))
	if p.hasOrganization {
		f.put("organization", title(p.organization))
	}
	for key, value := range map[string]string{"finetune": p.finetune, "basename": p.basename, "version": p.version, "size_label": p.size} {
		if value != "" {
			f.put(key, value)
		}
	}
}

var (
	versionPart  = regexp.MustCompile(`(?i)^(v|iter)?\d+([.]\d+)*$`)
	typePart     = regexp.MustCompile(`(?i)^(i?q\d(_\w)*|b?fp?(16|32))$`)
	sizePart     = regexp.MustCompile(`(?i)^(([A]|\d+[x])?\d+([._]\d+)?[KMBT][\d]?|small|mini|medium|large|x?xl)$`)
	finetunePart = regexp.MustCompile(`(?i)^(chat|instruct|vision|lora)$`)
	plainWord    = regexp.MustCompile(`^(v\d+(?:\.\d+)*|\d.*)$`)
)

// title turns "my-model-v2" into "My Model v2".
func title(s string) string {
	words := strings.Fields(strings.ReplaceAll(s, "-", " "))
	for i, w := range words {
		if w == strings.ToLower(w) && w != strings.ToUpper(w) && !plainWord.MatchString(w) {
			words[i] = titleWord(w)
		}
	}
	return strings.Join(words, " ")
}

// titleWord writes every run of letters with a capital, as Python's str.title does.
func titleWord(w string) string {
	out, inside := []rune(w), false
	for i, r := range out {
		if unicode.IsLetter(r) && !inside {
			out[i] = unicode.ToTitle(r)
		}
		inside = unicode.IsLetter(r)
	}
	return string(out)
}

// parseID tells the parts of a name by the reference's heuristics. params, if not 0, is the number of weights:
// a size far from it is a context length.
func parseID(s string, params int64) id {
	if strings.Contains(s, " ") {
		return id{full: s}
	}
	org, full, ok := strings.Cut(s, "/")
	if !ok {
		org, full = "", s
	}
	if strings.HasPrefix(org, ".") {
		org, ok = "", false
	}
	parts := slices.DeleteFunc(strings.Split(full, "-"), func(p string) bool { return p == "" })
	kinds := make([]string, len(parts))
	numbered := false
	for i, p := range parts {
		parts[i], kinds[i] = classify(p, i, params)
		numbered = numbered || kinds[i] == "size" && strings.ContainsFunc(parts[i], unicode.IsDigit)
	}
	for i, p := range parts {
		if numbered && kinds[i] == "size" && !strings.ContainsFunc(p, func(r rune) bool { return !unicode.IsLetter(r) }) {
			kinds[i] = "" // "mini" beside "3.8B" is part of the name
		}
	}
	base := 0 // how many parts the basename has
	start := true
	for i, p := range parts {
		if start && (kinds[i] == "" && unicode.IsLetter([]rune(p)[0]) || kinds[i] == "version") {
			base = i + 1
			continue
		}
		start = false
		if kinds[i] == "" {
			kinds[i] = "finetune"
		}
	}
	if base == len(parts) {
		for base > 0 && kinds[base-1] == "version" {
			base-- // a version at the very end is the model's
		}
	}
	join := func(kind string) string {
		var out []string
		for i, p := range parts {
			if kinds[i] == kind && !(kind == "version" && i < base) && !(kind == "size" && slices.Contains(out, p)) {
				out = append(out, p)
			}
		}
		return strings.Join(out, "-")
	}
	r := id{organization: org, hasOrganization: ok, full: full, finetune: join("finetune"), version: join("version"), size: join("size")}
	if r.finetune != "" || r.version != "" || r.size != "" {
		r.basename = strings.Join(parts[:base], "-")
	}
	return r
}

// classify tells what the i-th part of a name is, and how it is written; "" is not known yet.
func classify(p string, i int, params int64) (string, string) {
	switch {
	case versionPart.MatchString(p):
		return p, "version"
	case typePart.MatchString(p):
		return strings.ToUpper(p), "type"
	case i > 0 && sizePart.MatchString(p):
		return classifySize(strings.ReplaceAll(p, "_", "."), params)
	case i > 0 && finetunePart.MatchString(p):
		return p, "finetune"
	}
	return p, ""
}

func classifySize(p string, params int64) (string, string) {
	last := len(p) - 1
	if p[last] >= '0' && p[last] <= '9' { // bloom's 7b1 is 7.1B
		p = p[:last-1] + "." + p[last:] + p[last-1:last]
		last = len(p) - 1
	}
	if last > 0 && p[last-1] >= '0' && p[last-1] <= '9' {
		p = p[:last] + strings.ToUpper(p[last:])
	}
	if v, err := strconv.ParseFloat(p[:last], 64); err == nil && params != 0 {
		label := v * math.Pow(1000, float64(strings.Index(" KMBT", p[last:])))
		if math.Abs(label-float64(params)) > float64(7*params/8) {
			return p[:last] + strings.ToLower(p[last:]), "finetune"
		}
	}
	return p, "size"
}
