package main

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// chatFlags make a conversation of run.
func chatFlags() []cli.Flag {
	return group(chatGroup,
		&cli.BoolFlag{Name: "chat", Usage: "talk with the model by its own chat template; so does run without a prompt on a terminal"},
		&cli.StringFlag{Name: "system", Usage: "`TEXT` system prompt of the conversation"},
		&cli.IntFlag{Name: "ctx", Usage: "`N` tokens of the conversation; otherwise what the model was trained for, but at most 4096"},
		&cli.StringSliceFlag{Name: "template-var", Usage: "`NAME=VALUE` variable for the chat template, as enable_thinking=false"})
}

// chatOptions are what a conversation begins with.
type chatOptions struct {
	system string
	room   int // 0: as the model was trained
	vars   map[string]any
}

func chatOptionsOf(c *cli.Context) (o chatOptions, err error) {
	o = chatOptions{system: c.String("system"), room: c.Int("ctx"), vars: map[string]any{}}
	if c.IsSet("ctx") && (o.room < 16 || o.room > mostTokens) {
		return o, outOfRange("--ctx", 16, mostTokens, o.room)
	}
	for _, s := range c.StringSlice("template-var") {
		name, value, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return o, usagef("--template-var needs NAME=VALUE (got %q)", s)
		}
		var v any = value
		if json.Unmarshal([]byte(value), &v) != nil {
			v = value // a text
		}
		o.vars[name] = v
	}
	return o, nil
}

// talks reports whether run is a conversation: with --chat or what belongs to it, and without a prompt on a terminal.
func talks(c *cli.Context) bool {
	return slices.ContainsFunc([]string{"chat", "system", "ctx", "template-var"}, c.IsSet) || !c.IsSet("prompt") && isTerminal(c.App.Reader)
}
