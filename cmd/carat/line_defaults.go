package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/internal/yamlfile"
	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v4"
)

// defaultsName is the file of flags' defaults, in the current folder and in carat's folder of the user's configuration.
const defaultsName = "carat.yaml"

// maxDefaults is more than anybody writes.
const maxDefaults = 1 << 20

// personal are flags that the current folder's file must not give, because the folder may be somebody else's: what is
// written where, which program is run, and who is served.
var personal = slices.Concat(textOutputs, fileOutputs, []string{"cache", "llama-perplexity", "host", "cors", "api-key"})

// never are flags that are no habit in any file: they say what this one command is about.
var never = []string{"output", "in-place", "help", "version", "log-format"}

// defaults are flags with the values of a file.
type defaults struct {
	args map[string][]string // by verb, or allVerbs: arguments as on a command line
}

// withDefaults takes from the files the flags that are not on the command line: the current folder's file first, then the
// user's, and in each the verb's own before those of all verbs. CARAT_CONFIG names one file in place of both, or is "none".
func (l *line) withDefaults(app *cli.App) error {
	if l.verb == nil || l.on(cli.HelpFlag.Names()...) || slices.Contains([]string{"help", "version", "completion"}, l.verb.Name) {
		return nil
	}
	files, err := defaultsFiles()
	if err != nil {
		return err
	}
	set := map[string]bool{}
	for _, a := range l.flags {
		if f := findFlag(l.verb, a); isFlag(a) && f != nil {
			set[f.Names()[0]] = true
		}
	}
	for _, file := range files {
		d, err := readDefaults(app, file)
		if err != nil {
			return err
		}
		var here []string
		for _, verb := range []string{l.verb.Name, allVerbs} {
			for _, arg := range d.args[verb] {
				name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
				f := findFlag(l.verb, arg)
				if f == nil || set[f.Names()[0]] || inEnvironment(f) {
					continue // those under "all" are flags of some verbs
				}
				here = append(here, name)
				l.defaulted = append(l.defaulted, arg)
			}
			for _, name := range here {
				set[name] = true // a list has several arguments of one name
			}
		}
	}
	return nil
}

// blame says of a usage error that files gave flags, too: the command line alone may make sense.
func (l *line) blame(err error) error {
	if len(l.defaulted) == 0 || err == nil || exitCode(err) != exitUsage || hint.Of(err) != "" {
		return err
	}
	return hint.Wrap(err, "%s stands in a file of defaults; see carat help config", strings.Join(l.defaulted, " "))
}

// inEnvironment reports whether a variable gives the flag a value, which comes before files.
func inEnvironment(f cli.Flag) bool {
	names := []string{}
	if f.Names()[0] == "threads" {
		names = append(names, "CARAT_THREADS")
	}
	if s, ok := f.(*cli.StringFlag); ok {
		names = append(names, s.EnvVars...)
	}
	return slices.ContainsFunc(names, func(n string) bool { return os.Getenv(n) != "" })
}

// allVerbs is the key under which flags stand for every verb that has them.
const allVerbs = "all"

// defaultsFile is a file that may hold defaults.
type defaultsFile struct {
	path   string
	user   bool // the user's own
	wanted bool // named by CARAT_CONFIG: it must exist
}

func defaultsFiles() ([]defaultsFile, error) {
	switch named := os.Getenv("CARAT_CONFIG"); named {
	case "":
	case "none":
		return nil, nil
	default:
		return []defaultsFile{{named, true, true}}, nil
	}
	files := []defaultsFile{{path: defaultsName}}
	dir, err := os.Getenv("XDG_CONFIG_HOME"), error(nil)
	if dir == "" {
		dir, err = os.UserConfigDir()
	}
	if err == nil {
		files = append(files, defaultsFile{path: filepath.Join(dir, "carat", defaultsName), user: true})
	}
	return files, nil
}

// readDefaults reads one file; one that is not there gives nothing, nor does a gate's policy of that name.
func readDefaults(app *cli.App, file defaultsFile) (*defaults, error) {
	d := &defaults{args: map[string][]string{}}
	b, err := inputfile.ReadSmall(file.path, maxDefaults)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !file.wanted:
		return d, nil
	case err != nil:
		return nil, usagef("defaults of flags: %v", err)
	}
	root, err := yamlfile.Parse(b)
	switch {
	case errors.Is(err, yamlfile.ErrEmpty):
		return d, nil
	case err != nil:
		return nil, usagef("%s: %v", file.path, err)
	case isPolicy(root):
		return d, nil
	}
	y := &yamlfile.Decoder{File: file.path, What: "defaults of flags"}
	verbs := map[string]yamlfile.Field{allVerbs: d.flags(y, allVerbs, everyFlag(app), file.user)}
	for _, c := range app.Commands {
		verbs[c.Name] = d.flags(y, c.Name, c.Flags, file.user)
	}
	if err := y.Fields(root, "", verbs); err != nil {
		return nil, usagef("%v", err)
	}
	return d, nil
}

// isPolicy tells a gate's policy, which is often called carat.yaml, too, by the version that it begins with.
func isPolicy(root *yaml.Node) bool {
	for i := 0; root.Kind == yaml.MappingNode && i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value == "version" && root.Content[i+1].Kind == yaml.ScalarNode {
			return true
		}
	}
	return false
}

// everyFlag lists all flags of all verbs, each name once.
func everyFlag(app *cli.App) (flags []cli.Flag) {
	seen := map[string]bool{}
	for _, c := range app.Commands {
		for _, f := range c.Flags {
			if name := f.Names()[0]; !seen[name] {
				seen[name] = true
				flags = append(flags, f)
			}
		}
	}
	return flags
}

// flags reads the flags of a verb, by their long names.
func (d *defaults) flags(y *yamlfile.Decoder, verb string, flags []cli.Flag, user bool) yamlfile.Field {
	return func(n *yaml.Node, key string) error {
		fields := map[string]yamlfile.Field{}
		for _, f := range flags {
			name := f.Names()[0]
			switch {
			case slices.Contains(never, name):
			case !user && slices.Contains(personal, name):
				fields[name] = func(n *yaml.Node, key string) error {
					return y.Errorf(n, key, "only your own file may set this flag, not the current folder's; give it on the command line")
				}
			default:
				fields[name] = d.value(y, verb, f)
			}
		}
		return y.Fields(n, key, fields)
	}
}

// value reads one value, or a list for a flag that may be given more than once.
func (d *defaults) value(y *yamlfile.Decoder, verb string, f cli.Flag) yamlfile.Field {
	name := f.Names()[0]
	add := func(s string) { d.args[verb] = append(d.args[verb], dashed(name)+"="+s) }
	scalar := y.Parsed(valueOf(f), func(s string) bool {
		if !fits(f, s) {
			return false
		}
		add(s)
		return true
	})
	return func(n *yaml.Node, key string) error {
		if g, ok := f.(cli.DocGenerationSliceFlag); ok && g.IsSliceFlag() && n.Kind == yaml.SequenceNode {
			return y.List(scalar)(n, key)
		}
		return scalar(n, key)
	}
}

// valueOf says what a flag takes.
func valueOf(f cli.Flag) string {
	switch f.(type) {
	case *cli.BoolFlag:
		return "true or false"
	case *cli.IntFlag, *cli.Uint64Flag:
		return "a whole number"
	case *cli.Float64Flag:
		return "a number"
	}
	value, _ := flagDoc(f)
	return fmt.Sprintf("a text (%s)", value)
}

// fits reports whether the flag takes the value; whether it makes sense, the verb says.
func fits(f cli.Flag, s string) (ok bool) {
	var err error
	switch f.(type) {
	case *cli.BoolFlag:
		return s == "true" || s == "false"
	case *cli.IntFlag:
		_, err = strconv.Atoi(s)
	case *cli.Uint64Flag:
		_, err = strconv.ParseUint(s, 10, 64)
	case *cli.Float64Flag:
		_, err = strconv.ParseFloat(s, 64)
	default:
		return s != ""
	}
	return err == nil
}
