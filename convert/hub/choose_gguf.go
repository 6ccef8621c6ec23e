package hub

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

var part = regexp.MustCompile(`(?i)-(\d{5})-of-(\d{5})\.gguf$`)

// chooseGGUF finds the file that r means among the GGUF files of a repository: one of that name, or the one of that type; of a
// split, all files in their order. Files for images (mmproj) are chosen by their names alone.
func chooseGGUF(r Ref, have []string) ([]string, error) {
	var found []string
	for _, name := range have {
		switch {
		case name == r.File:
			return wholeSplit(r, name, have)
		case isProjector(name):
		case r.File == "" || ofType(name, r.File):
			found = append(found, name)
		}
	}
	models := slices.DeleteFunc(slices.Clone(found), func(name string) bool {
		m := part.FindStringSubmatch(name)
		return m != nil && m[1] != "00001"
	})
	switch {
	case len(models) == 1:
		return wholeSplit(r, models[0], have)
	case len(models) > 1:
		return nil, fmt.Errorf("%w: %s: %d GGUF files may be meant: name one, as %s:%s (%s)", gguf.ErrInput, r, len(models), Ref{r.ID, r.Revision, ""}, models[0], shortList(models))
	case len(found) > 0:
		return wholeSplit(r, found[0], have)
	case r.File == "":
		return nil, fmt.Errorf("%w: %s: there is no GGUF file", gguf.ErrInput, r)
	}
	return nil, fmt.Errorf("%w: %s: there is no GGUF file of that name or type (%s)", gguf.ErrInput, r, shortList(have))
}

// wholeSplit lists the files of the split that name is of, or name alone.
func wholeSplit(r Ref, name string, have []string) ([]string, error) {
	m := part.FindStringSubmatchIndex(name)
	if m == nil {
		return []string{name}, nil
	}
	count, _ := strconv.Atoi(name[m[4]:m[5]])
	var names []string
	for n := 1; n <= count; n++ {
		want := fmt.Sprintf("%s%05d%s", name[:m[2]], n, name[m[3]:])
		if !slices.Contains(have, want) {
			return nil, fmt.Errorf("%w: %s: %s is missing, one of the %d files of a split", gguf.ErrInput, r, want, count)
		}
		names = append(names, want)
	}
	return names, nil
}

// ofType reports whether a file's name, or its folder's, has the type in it: model-Q4_K_M.gguf, Q4_K_M/model-00001-of-00002.gguf.
func ofType(name, typ string) bool {
	name, typ = strings.ToLower(name), strings.ToLower(typ)
	for at := 0; ; at++ {
		i := strings.Index(name[at:], typ)
		if i < 0 {
			return false
		}
		at += i
		end := at + len(typ)
		if (at == 0 || strings.ContainsRune("-./", rune(name[at-1]))) && end < len(name) && strings.ContainsRune("-./", rune(name[end])) {
			return true
		}
	}
}

func isProjector(name string) bool { return strings.Contains(strings.ToLower(name), "mmproj") }

// shortList names some of many files.
func shortList(names []string) string {
	const most = 8
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	if len(names) == 0 {
		return "there are none"
	}
	return strings.Join(names, ", ")
}
