package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/chat"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/generate"
	"github.com/carat-llm/carat/runtime/grammar"
	"github.com/carat-llm/carat/runtime/tokenizer"
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
	prompt string // all that is asked, if it is given
}

func chatOptionsOf(c *cli.Context) (o chatOptions, err error) {
	o = chatOptions{system: c.String("system"), room: c.Int("ctx"), vars: map[string]any{}, prompt: c.String("prompt")}
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

// runTalk is run's conversation.
func runTalk(ctx context.Context, g global, path string, src convert.Options, adapters []convert.LoRA, c chatOptions, opts generate.Options, breakers []string, form *grammar.Grammar) error {
	if g.json {
		return usagef("a conversation has no --json: /save writes one, and -p TEXT without --chat is a text")
	}
	e, err := g.engine(path, src, engine.Options{Text: true}, adapters...)
	if err != nil {
		return err
	}
	defer e.Close()
	if e.Encodes() {
		return usagef("%s has an encoder, which reads one text: give it with -p", path)
	}
	tok, err := e.Tokenizer()
	if err != nil {
		return err
	}
	t, err := newTalk(g, path, e, tok, c)
	if err != nil {
		return err
	}
	if opts.Multiplier > 0 {
		if opts.Breakers, err = generate.FindBreakers(e.Vocab(), tok, breakers); err != nil {
			return err
		}
	}
	var v *grammar.Vocabulary
	if form != nil {
		v = grammar.NewVocabulary(tok)
	}
	t.options = func() generate.Options {
		if form != nil {
			opts.Constraint = form.Constrain(v)
		}
		return opts
	}
	if c.prompt != "" {
		err = t.answer(ctx, c.prompt)
	} else {
		err = t.run(ctx)
	}
	if err != nil {
		return err
	}
	return gguf.Unchanged(e.Source())
}

// newTalk is a conversation that has not begun.
func newTalk(g global, path string, e *engine.Engine, tok *tokenizer.Tokenizer, c chatOptions) (*talk, error) {
	tmpl, err := chat.New(e.Source().Metadata())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if tmpl.Default() {
		printf(g.err, "carat: warning: %s has no chat template; ChatML is used, which the model may not know\n", path)
	}
	if c.room == 0 {
		c.room = min(e.ContextLength(), 4096)
	}
	warnBeyond(g.err, path, e, c.room, fmt.Sprintf("a conversation of up to %d tokens (--ctx)", c.room))
	session, err := e.NewSession(c.room)
	if err != nil {
		return nil, err
	}
	conversation := &chat.Conversation{Template: tmpl, Options: chat.Options{MergeSystem: true, Vars: c.vars}, Session: session, Room: c.room, Vocab: e.Vocab(), Tokens: tok}
	conversation.SetSystem(c.system)
	return &talk{s: g.streams, c: conversation, terminal: isTerminal(g.in) && isTerminal(g.err), quiet: g.quiet}, nil
}

// talks reports whether run is a conversation: with --chat or what belongs to it, and without a prompt on a terminal.
func talks(c *cli.Context) bool {
	return slices.ContainsFunc([]string{"chat", "system", "ctx", "template-var"}, c.IsSet) || !c.IsSet("prompt") && isTerminal(c.App.Reader)
}
