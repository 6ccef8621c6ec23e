package main

import (
	"fmt"

	"github.com/carat-llm/carat/internal/suggest"
	"github.com/urfave/cli/v2"
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a completion script for a shell",
		ArgsUsage: "bash|zsh|fish|powershell",
		Description: `Completes verbs, flags, values of flags and names of files.

EXAMPLES:
   source <(carat completion bash)
   carat completion zsh > "${fpath[1]}/_carat"
   carat completion fish > ~/.config/fish/completions/carat.fish
   carat completion powershell >> $PROFILE`,
		Action: func(c *cli.Context) error {
			g, err := globals(c)
			if err != nil {
				return err
			}
			args, err := positional(c, 1, "bash, zsh, fish or powershell")
			if err != nil {
				return err
			}
			script, ok := completionScripts[args[0]]
			if !ok {
				return usagef("%s", suggest.OneOf("shell", args[0], shells))
			}
			if g.json {
				return printJSON(g.out, completion{args[0], script})
			}
			_, err = fmt.Fprint(g.out, script)
			return err
		},
	}
}

// completion is completion's JSON.
type completion struct {
	Shell  string `json:"shell"`
	Script string `json:"script"`
}
