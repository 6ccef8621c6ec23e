package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/carat-llm/carat/internal/buildinfo"
	"github.com/urfave/cli/v2"
)

// Help is drawn here and not by cli's templates, which sort all flags into one list and do not wrap: flags stand
// in groups by purpose, in the order in which the verb names them, and no line has more than helpWidth columns.
const (
	helpWidth  = 100
	helpIndent = "   "
	flagColumn = 32 // the widest name of a flag that has its usage on the same line
)

func init() {
	cli.HelpPrinter = func(w io.Writer, _ string, data any) {
		switch d := data.(type) {
		case *cli.App:
			printAppHelp(w, d)
		case *cli.Command:
			printVerbHelp(w, d)
		}
	}
	cli.VersionPrinter = func(c *cli.Context) {
		_ = showVersion(c.App.Writer, c.Bool("json"))
	}
}

// helpText gathers lines of help.
type helpText struct{ strings.Builder }

func printAppHelp(w io.Writer, app *cli.App) {
	var h helpText
	fmt.Fprintf(&h, "carat - %s\n\nUSAGE:\n%s%s\n\nVERSION:\n%s%s\n", app.Usage, helpIndent, app.UsageText, helpIndent, app.Version)
	category := ""
	for _, c := range app.Commands {
		if c.Category != category {
			category = c.Category
			fmt.Fprintf(&h, "\n%s:\n", category)
		}
		h.item(c.Name, c.Usage, 10)
	}
	h.WriteByte('\n')
	h.prose(app.Description)
	h.flags(append(globalFlags(), cli.VersionFlag, cli.HelpFlag))
	io.WriteString(w, h.String()) //nolint:errcheck // nobody is left to tell
}

func printVerbHelp(w io.Writer, c *cli.Command) {
	var h helpText
	usage := "carat " + c.Name
	if c.ArgsUsage != "" {
		usage += " " + c.ArgsUsage
	}
	fmt.Fprintf(&h, "carat %s - %s\n\nUSAGE:\n%s%s [flags]\n\n", c.Name, c.Usage, helpIndent, usage)
	h.prose(c.Description)
	flags := slices.DeleteFunc(slices.Clone(c.Flags), func(f cli.Flag) bool { return f == cli.HelpFlag }) // cli adds it late
	h.flags(append(flags, cli.HelpFlag))
	io.WriteString(w, h.String()) //nolint:errcheck // nobody is left to tell
}

// prose writes a description: paragraphs are wrapped again, lines that begin with a space stay lines, and a line
// in capitals that ends in a colon is a heading.
func (h *helpText) prose(text string) {
	var paragraph []string
	flush := func() {
		if len(paragraph) > 0 {
			h.wrapped("", strings.Join(paragraph, " "))
		}
		paragraph = nil
	}
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case line == "" || line[0] == ' ' || strings.HasSuffix(line, ":") && strings.ToUpper(line) == line:
			flush()
			indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
			if len(line) > helpWidth {
				h.wrapped(indent, line)
			} else {
				h.WriteString(line + "\n")
			}
		default:
			paragraph = append(paragraph, line)
		}
	}
	flush()
}

// wrapped writes text at an indentation, in as many lines as it takes.
func (h *helpText) wrapped(indent, text string) {
	for _, line := range wrapWords(text, helpWidth-len(indent)) {
		h.WriteString(indent + line + "\n")
	}
}

// flags writes the groups in the order in which they come first.
func (h *helpText) flags(flags []cli.Flag) {
	var order []string
	groups := map[string][]cli.Flag{}
	column := 0
	for _, f := range flags {
		name := flagGroup(f)
		if groups[name] == nil {
			order = append(order, name)
		}
		groups[name] = append(groups[name], f)
		if n := len(flagSyntax(f)); n <= flagColumn {
			column = max(column, n)
		}
	}
	for _, name := range order {
		fmt.Fprintf(h, "\n%s:\n", name)
		for _, f := range groups[name] {
			h.item(flagSyntax(f), flagUsage(f), column)
		}
	}
}

// item writes a name and what it means, in two columns.
func (h *helpText) item(name, usage string, column int) {
	margin := len(helpIndent) + column + 2
	lines := wrapWords(usage, helpWidth-margin)
	if len(name) > column {
		fmt.Fprintf(h, "%s%s\n", helpIndent, name)
	} else {
		fmt.Fprintf(h, "%s%-*s  %s\n", helpIndent, column, name, lines[0])
		lines = lines[1:]
	}
	for _, l := range lines {
		fmt.Fprintf(h, "%*s%s\n", margin, "", l)
	}
}

// wrapWords breaks text between words; a word that is longer than width has a line of its own.
func wrapWords(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case len([]rune(line))+1+len([]rune(word)) <= width:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	return append(lines, line)
}

// flagGroup is the heading a flag stands under.
func flagGroup(f cli.Flag) string {
	if c, ok := f.(cli.CategorizableFlag); ok && c.GetCategory() != "" {
		return c.GetCategory()
	}
	return globalGroup
}

// flagSyntax is how a flag is written: "-o, --output OUT.gguf".
func flagSyntax(f cli.Flag) string {
	var short, long []string
	for _, name := range f.Names() {
		if len(name) == 1 {
			short = append(short, dashed(name))
		} else {
			long = append(long, dashed(name))
		}
	}
	s := strings.Join(append(short, long...), ", ")
	if value, _ := flagDoc(f); value != "" {
		s += " " + value
	}
	return s
}

// dashed is a flag's name as it is written.
func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// flagUsage is what a flag does, with its default if that tells anything.
func flagUsage(f cli.Flag) string {
	_, usage := flagDoc(f)
	switch f := f.(type) {
	case *cli.StringSliceFlag:
		usage += " (repeatable)"
	case *cli.StringFlag:
		if f.Value != "0" {
			usage += defaultOf(f.Value, "")
		}
		for _, env := range f.EnvVars {
			usage += fmt.Sprintf(" [$%s]", env)
		}
	case *cli.IntFlag:
		usage += defaultOf(f.Value, 0)
	case *cli.Uint64Flag:
		usage += defaultOf(f.Value, 0)
	case *cli.Float64Flag:
		usage += defaultOf(f.Value, 0)
	}
	return usage
}

// defaultOf hides the zero, which stands for "not given".
func defaultOf[T comparable](v, zero T) string {
	if v == zero {
		return ""
	}
	return fmt.Sprintf(" (default: %v)", v)
}

// flagDoc cuts a flag's usage, which begins with the name of its value in back quotes, if it takes one.
func flagDoc(f cli.Flag) (value, usage string) {
	d, ok := f.(cli.DocGenerationFlag)
	if !ok {
		return "", ""
	}
	rest, quoted := strings.CutPrefix(d.GetUsage(), "`")
	if !quoted {
		return "", rest
	}
	value, usage, _ = strings.Cut(rest, "`")
	return value, strings.TrimSpace(usage)
}

func helpCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "show help for carat or for a verb",
		ArgsUsage: "[VERB]",
		Description: `--json lists verbs and flags for programs.

EXAMPLES:
   carat help
   carat help quantize
   carat help quantize --json`,
		Action: func(c *cli.Context) error { return showHelp(s, c) },
	}
}

// showHelp shows the help that c asks for.
func showHelp(s streams, c *cli.Context) error {
	if c.NArg() > 1 {
		return usagef("help takes one verb (got %q); see carat --help", c.Args().Slice())
	}
	if c.NArg() == 0 {
		if c.Bool("json") {
			return printJSON(s.out, describeApp(c.App))
		}
		printAppHelp(s.out, c.App)
		return nil
	}
	verb := c.App.Command(c.Args().First())
	switch {
	case verb == nil:
		return unknownVerb(c.App, &line{rest: c.Args().Slice()})
	case c.Bool("json"):
		return printJSON(s.out, describeVerb(verb))
	}
	printVerbHelp(s.out, verb)
	return nil
}

func versionCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:  "version",
		Usage: "show the version",
		Description: `EXAMPLES:
   carat version
   carat version --json`,
		Action: func(c *cli.Context) error {
			if _, err := positional(c, 0, "no arguments"); err != nil {
				return err
			}
			return showVersion(s.out, c.Bool("json"))
		},
	}
}

func showVersion(w io.Writer, json bool) error {
	if json {
		return printJSON(w, map[string]string{"version": buildinfo.Version()})
	}
	_, err := fmt.Fprintf(w, "carat version %s\n", buildinfo.Version())
	return err
}

// verbDoc and flagDocument are help's JSON.
type verbDoc struct {
	Name      string         `json:"name"`
	Category  string         `json:"category"`
	Usage     string         `json:"usage"`
	Arguments string         `json:"arguments,omitempty"`
	Flags     []flagDocument `json:"flags"`
}

type flagDocument struct {
	Names []string `json:"names"`
	Value string   `json:"value,omitempty"`
	Usage string   `json:"usage"`
	Group string   `json:"group"`
}

func describeApp(app *cli.App) any {
	doc := struct {
		Version string    `json:"version"`
		Verbs   []verbDoc `json:"verbs"`
	}{Version: app.Version}
	for _, c := range app.Commands {
		doc.Verbs = append(doc.Verbs, describeVerb(c))
	}
	return doc
}

func describeVerb(c *cli.Command) verbDoc {
	doc := verbDoc{Name: c.Name, Category: c.Category, Usage: c.Usage, Arguments: c.ArgsUsage}
	for _, f := range c.Flags {
		value, _ := flagDoc(f)
		doc.Flags = append(doc.Flags, flagDocument{f.Names(), value, flagUsage(f), flagGroup(f)})
	}
	return doc
}
