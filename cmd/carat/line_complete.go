package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/carat-llm/carat/quantize/clients"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/urfave/cli/v2"
)

// completeVerb is what the shells' scripts call: carat __complete WORD... .LAST, where LAST is the word that is typed so far;
// the dot keeps an empty one from getting lost on the way. What may stand there is printed one a line, with a tab and a
// description behind it; fileMark says that names of files may stand there, too.
const (
	completeVerb = "__complete"
	fileMark     = ":files"
)

// candidate is a word that may stand at the cursor.
type candidate struct{ word, about string }

func printCompletions(w io.Writer, app *cli.App, words []string) error {
	found, files := completions(app, words)
	for _, c := range found {
		if _, err := fmt.Fprintf(w, "%s\t%s\n", c.word, c.about); err != nil {
			return err
		}
	}
	if files {
		_, err := fmt.Fprintln(w, fileMark)
		return err
	}
	return nil
}

// completions lists what may stand in place of the last of words, and whether names of files may.
func completions(app *cli.App, words []string) (found []candidate, files bool) {
	before, word := words[:max(len(words)-1, 0)], ""
	if len(words) > 0 {
		word = strings.TrimPrefix(words[len(words)-1], ".")
	}
	_, verb := findVerb(app, append([]string{"carat"}, before...))
	if slices.Contains(before, "--") {
		return nil, true
	}
	if f := valued(verb, before, &word); f != nil {
		found, files = valuesOf(f)
		return matching(found, word), files
	}
	if name, value, ok := strings.Cut(word, "="); ok && isFlag(word) {
		f := findFlag(verb, name)
		if f == nil {
			return nil, false
		}
		found, files = valuesOf(f)
		for i := range found {
			found[i].word = name + "=" + found[i].word
		}
		return matching(found, name+"="+value), files
	}
	switch {
	case strings.HasPrefix(word, "-"):
		return matching(flagsOf(verb), word), false
	case verb == nil:
		return matching(verbsOf(app), word), false
	}
	found, files = argumentsOf(app, verb)
	return matching(found, word), files
}

// valued returns the flag whose value is typed. Bash makes three words of --type=Q4.
func valued(verb *cli.Command, before []string, word *string) cli.Flag {
	n := len(before)
	switch {
	case *word == "=" && n > 0:
		*word = ""
	case n > 1 && before[n-1] == "=":
		n--
	}
	if n == 0 || !isFlag(before[n-1]) || strings.Contains(before[n-1], "=") {
		return nil
	}
	if f := findFlag(verb, before[n-1]); takesValue(f) {
		return f
	}
	return nil
}

func flagsOf(verb *cli.Command) (found []candidate) {
	flags := append(globalFlags(), cli.VersionFlag)
	if verb != nil {
		flags = verb.Flags
	}
	for _, f := range append(slices.Clone(flags), cli.HelpFlag) {
		for _, name := range f.Names() {
			c := candidate{dashed(name), flagUsage(f)}
			if !slices.ContainsFunc(found, func(o candidate) bool { return o.word == c.word }) {
				found = append(found, c)
			}
		}
	}
	return found
}

func verbsOf(app *cli.App) (found []candidate) {
	for _, c := range app.Commands {
		found = append(found, candidate{c.Name, c.Usage})
	}
	return found
}

// argumentsOf are what stands behind a verb without a flag.
func argumentsOf(app *cli.App, verb *cli.Command) ([]candidate, bool) {
	switch verb.Name {
	case "help":
		return verbsOf(app), false
	case "list":
		return named(lists), false
	case "completion":
		return named(shells), false
	case "version", "cache":
		return nil, false
	}
	return nil, true
}

// valuesOf lists the values of a flag, as far as they are few.
func valuesOf(f cli.Flag) ([]candidate, bool) {
	switch f.Names()[0] {
	case "type", "types", "controls":
		return named(recipe.Names()), false
	case "for":
		return named(clients.Names()), false
	case "calibration":
		return named([]string{defaultCalibration}), true
	}
	value, _ := flagDoc(f)
	if choices := strings.Split(value, "|"); len(choices) > 1 && strings.ToLower(value) == value {
		return named(choices), false
	}
	switch f.(type) {
	case *cli.IntFlag, *cli.Uint64Flag, *cli.Float64Flag:
		return nil, false
	}
	return nil, true
}

func named(words []string) []candidate {
	found := make([]candidate, len(words))
	for i, w := range words {
		found[i].word = w
	}
	return found
}

// matching are those that begin with word, in any case of letters.
func matching(found []candidate, word string) []candidate {
	return slices.DeleteFunc(found, func(c candidate) bool {
		return len(c.word) < len(word) || !strings.EqualFold(c.word[:len(word)], word)
	})
}
