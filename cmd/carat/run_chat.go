package main

import (
	"context"
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/chat"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/tokenizer"
)

// runTalk is run's conversation: with a prompt one answer, without as many as are asked for.
func runTalk(ctx context.Context, g global, o runOptions, c chatOptions) error {
	if g.json {
		return usagef("a conversation has no --json: /save writes one, and -p TEXT without --chat is a text")
	}
	e, err := g.engine(o.model, o.source, engine.Options{Text: true}, o.adapters...)
	if err != nil {
		return err
	}
	defer e.Close()
	if e.Encodes() {
		return usagef("%s has an encoder, which reads one text: give it with -p", o.model)
	}
	tok, err := e.Tokenizer()
	if err != nil {
		return err
	}
	t, err := newTalk(g, o.model, e, tok, c)
	if err != nil {
		return err
	}
	if t.options, err = o.sampling.ready(e.Vocab(), tok); err != nil {
		return err
	}
	if o.prompt != "" {
		err = t.answer(ctx, o.prompt)
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
