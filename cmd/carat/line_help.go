package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

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
