package main

import (
	"fmt"
	"strings"

	"github.com/carat-llm/carat/internal/suggest"
	"github.com/urfave/cli/v2"
)

// Each script asks carat itself what may follow, so completions never fall behind the flags.
var completionScripts = map[string]string{
	"bash": `_carat() {
  local cur=${COMP_WORDS[COMP_CWORD]} words
  words=$("${COMP_WORDS[@]:0:COMP_CWORD}" ${cur:+$([[ $cur == -* ]] && printf %s "$cur")} --generate-bash-completion 2>/dev/null)
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$cur"))
}
complete -o bashdefault -o filenames -F _carat carat
`,
	"zsh": `#compdef carat
_carat() {
  local -a opts
  local cur=${words[-1]}
  if [[ $cur == -* ]]; then
    opts=("${(@f)$(${words[@]:0:#words[@]-1} $cur --generate-bash-completion 2>/dev/null)}")
  else
    opts=("${(@f)$(${words[@]:0:#words[@]-1} --generate-bash-completion 2>/dev/null)}")
  fi
  [[ -n ${opts[1]} ]] && _describe values opts
  _files
}
compdef _carat carat
`,
}

func completionCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a completion script for a shell",
		ArgsUsage: "bash|zsh|fish",
		Description: `EXAMPLES:
   source <(carat completion bash)
   carat completion zsh > "${fpath[1]}/_carat"
   carat completion fish > ~/.config/fish/completions/carat.fish`,
		Action: func(c *cli.Context) error {
			g, err := globals(c)
			if err != nil {
				return err
			}
			args, err := positional(c, 1, "bash, zsh or fish")
			if err != nil {
				return err
			}
			script, ok := completionScripts[args[0]]
			if args[0] == "fish" {
				if script, err = c.App.ToFishCompletion(); err != nil {
					return err
				}
				script = strings.ReplaceAll(script, "`", "")
			} else if !ok {
				return usagef("%s", suggest.OneOf("shell", args[0], []string{"bash", "zsh", "fish"}))
			}
			if g.json {
				return printJSON(s.out, completion{args[0], script})
			}
			_, err = fmt.Fprint(s.out, script)
			return err
		},
	}
}

// completion is completion's JSON.
type completion struct {
	Shell  string `json:"shell"`
	Script string `json:"script"`
}
