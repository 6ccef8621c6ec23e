package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/urfave/cli/v2"
)

func helpOf(t *testing.T, args ...string) string {
	t.Helper()
	var out, log bytes.Buffer
	require.Zero(t, run(context.Background(), append([]string{"carat"}, args...), streams{nil, &out, &log}), log.String())
	return out.String()
}

// Every verb's help fits a terminal, shows how, and lists each flag once, with one name for its value.
func TestHelp(t *testing.T) {
	app := newApp(streams{})
	require.Equal(t, helpOf(t, "--help"), helpOf(t, "help"))
	for _, c := range append(app.Commands, nil) {
		args, flags := []string{"--help"}, append(globalFlags(), cli.VersionFlag)
		if c != nil {
			args, flags = []string{c.Name, "--help"}, c.Flags
			if c.Name == "help" {
				args = []string{"help", "help"} // cli takes "help --help" for "help"
			}
			require.Equal(t, helpOf(t, args...), helpOf(t, "help", c.Name))
		}
		text := helpOf(t, args...)
		require.Regexp(t, `(?m)^EXAMPLES:\n   .*carat `, text, args)
		require.NotContains(t, text, "(default: 0)")
		require.NotContains(t, text, "`")
		group := ""
		listed := map[string]int{}
		for line := range strings.SplitSeq(text, "\n") {
			require.LessOrEqual(t, len([]rune(line)), helpWidth, "%s: %s", args, line)
			if line != "" && line[0] != ' ' {
				group = strings.TrimSuffix(line, ":")
			}
			if syntax, ok := strings.CutPrefix(line, helpIndent+"-"); ok {
				require.NotEqual(t, "EXAMPLES", group)
				require.Equal(t, strings.ToUpper(group), group)
				syntax, _, _ = strings.Cut("-"+syntax, "  ")
				listed[syntax]++
			}
		}
		for _, f := range flags {
			require.Equal(t, 1, listed[flagSyntax(f)], "%s %s", args, flagSyntax(f))
			value, usage := flagDoc(f)
			require.Equal(t, takesValue(f), value != "", "%s %s: the name of its value", args, flagSyntax(f))
			require.NotEmpty(t, usage)
			if c != nil {
				require.NotEmpty(t, flagGroup(f))
			}
		}
		require.Len(t, listed, len(flags)+1, "%s: each flag once, and --help", args)
	}
}

func TestWrapWords(t *testing.T) {
	require.Equal(t, []string{"ab cd", "efghij", "k"}, wrapWords(" ab  cd efghij k", 5))
	require.Equal(t, []string{""}, wrapWords("", 5))
}

func TestRightForm(t *testing.T) {
	app := newApp(streams{})
	for _, tc := range []struct{ typed, want string }{
		{"quantize in.gguf out.gguf Q4_K_M", "carat quantize in.gguf --type Q4_K_M -o out.gguf"},
		{"quantize in.gguf out.gguf Q4_K_M 8", "carat quantize in.gguf --type Q4_K_M --threads 8 -o out.gguf"},
		{"quantize --imatrix m.dat in.gguf out.gguf q4_k_m", "carat quantize in.gguf --type q4_k_m -o out.gguf --imatrix m.dat"},
		{"quantize in.gguf Q4_K_M", "carat quantize in.gguf --type Q4_K_M -o in-Q4_K_M.gguf"},
		{"quantize in.gguf out.gguf --type Q4_K_M", "carat quantize in.gguf -o out.gguf --type Q4_K_M"},
		{"quantize a b c d", ""},
		{"quantize in.gguf --type Q4_K_M -o o.gguf", ""},
		{"build dir my|out.gguf Q4_0", "carat build dir --type Q4_0 -o 'my|out.gguf'"},
		{"plan in.gguf Q4_0", "carat plan in.gguf --type Q4_0"},
		{"convert dir out.gguf", "carat convert dir -o out.gguf"},
		{"convert dir --outfile out.gguf --outtype q8_0", "carat convert dir -o out.gguf --outtype q8_0"},
		{"convert --outfile=out.gguf dir", "carat convert dir -o out.gguf"},
		{"eval -m q4.gguf -f wiki.txt -c 512", "carat eval q4.gguf --text wiki.txt --ctx 512"},
		{"eval q4.gguf wiki.txt", "carat eval q4.gguf --text wiki.txt"},
		{"run -m q4.gguf -p hi -n 3", "carat run q4.gguf -p hi -n 3"},
		{"run q4.gguf hello world", "carat run q4.gguf -p 'hello world'"},
		{"bench -m q4.gguf", "carat bench q4.gguf"},
		{"sweep in.gguf Q4_0 Q5_0", "carat sweep in.gguf --types Q4_0,Q5_0"},
		{"inspect a b", ""},
		{"run q4.gguf --frob", ""},
		{"split model.gguf parts", "carat split model.gguf -o parts"},
	} {
		l := parseLine(app, append([]string{"carat"}, strings.Split(tc.typed, " ")...))
		require.Equal(t, tc.want, rightForm(l.verb, l.behind, false), tc.typed)
	}
}

// Every habit leads to a verb or a flag that exists.
func TestHabits(t *testing.T) {
	app := newApp(streams{})
	for word, verb := range verbHabits {
		require.NotNil(t, app.Command(verb), word)
		require.Nil(t, app.Command(word), "%s is a verb itself", word)
	}
	flags := map[string]bool{"": true}
	for _, c := range app.Commands {
		for _, f := range c.Flags {
			for _, n := range f.Names() {
				flags[n] = true
			}
		}
	}
	for word, names := range flagHabits {
		for _, n := range names {
			require.True(t, flags[n], "%s -> %s", word, n)
		}
	}
}
