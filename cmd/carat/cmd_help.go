package main

import (
	"fmt"
	"io"

	"github.com/carat-llm/carat/internal/buildinfo"
	"github.com/urfave/cli/v2"
)

func helpCommand() *cli.Command {
	return &cli.Command{
		Name:      "help",
		Usage:     "show help for carat or for a verb",
		ArgsUsage: "[VERB|config]",
		Description: `carat help config tells of files with defaults of flags. --json lists verbs and flags for programs.

EXAMPLES:
   carat help
   carat help quantize
   carat help quantize --json
   carat help config`,
		Action: func(c *cli.Context) error { return showHelp(c) },
	}
}

// helpJSON is --help with --json, of carat or of a verb. cli would print its help before the verb sees its flags.
func helpJSON(app *cli.App, verb *cli.Command) error {
	if verb == nil {
		return printJSON(app.Writer, describeApp(app))
	}
	return printJSON(app.Writer, describeVerb(verb))
}

// showHelp shows the help that c asks for.
func showHelp(c *cli.Context) error {
	if c.NArg() > 1 {
		return usagef("help takes one verb (got %q); see carat --help", c.Args().Slice())
	}
	if c.NArg() == 0 {
		if c.Bool("json") {
			return printJSON(c.App.Writer, describeApp(c.App))
		}
		printAppHelp(c.App.Writer, c.App)
		return nil
	}
	if c.Args().First() == "config" {
		return showConfigHelp(c.App.Writer, c.Bool("json"))
	}
	verb := c.App.Command(c.Args().First())
	switch {
	case verb == nil:
		return unknownVerb(c.App, &line{rest: c.Args().Slice()})
	case c.Bool("json"):
		return printJSON(c.App.Writer, describeVerb(verb))
	}
	printVerbHelp(c.App.Writer, verb)
	return nil
}

func versionCommand() *cli.Command {
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
			return showVersion(c.App.Writer, c.Bool("json"))
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
