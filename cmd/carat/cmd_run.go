package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/generate"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/urfave/cli/v2"
)

func runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "talk with a model, or continue a text",
		ArgsUsage: "MODEL",
		Description: `Without a prompt on a terminal, or with --chat, run is a conversation: messages and answers are written as the model's own
chat template says, and only what is new is evaluated. /help lists the commands. With --chat each line of a pipe is a
message, and -p TEXT the only one (docs/chat.md).

With -p TEXT the text is continued as it stands. The same seed gives the same text for any number of threads. With -p -, or
without -p when standard input is a pipe or a file, the prompt is read from there. When prompt and -n together are beyond what the model
was trained for, a warning says so. A model with an encoder (T5) reads the prompt there, and its answer alone is
printed.

EXAMPLES:
   carat run smollm2-Instruct-Q4_K_M.gguf --system "Answer in one sentence."
   carat run Qwen3-0.6B-Q8_0.gguf --chat -p "Why is the sky blue?" --template-var enable_thinking=false
   carat run smollm2-Q4_K_M.gguf -p "The capital of France is" -n 32
   carat run ./SmolLM2-135M -p "Once upon a time" --temp 0.8 --seed 7
   carat run ./SmolLM2-135M -p "Once upon a time" --temp 1 --min-p 0.05 --dry-multiplier 0.8 --stop "The end"
   carat run ./SmolLM2-135M < prompt.txt
   carat run ./SmolLM2-135M -p "A person as JSON: " --json-schema person.schema.json
   carat run smollm2-Q4_K_M.gguf --lora my-adapter.gguf --lora another.gguf=0.5 -p "Once upon a time"`,
		Flags: slices.Concat(group(textGroup,
			&cli.StringFlag{Name: "prompt", Aliases: []string{"p"}, Usage: "`TEXT` text to continue; - for standard input"},
			&cli.IntFlag{Name: "n", Value: 128, Usage: "`N` generate at most N tokens; in a conversation, otherwise as many as there is room for"}), chatFlags(), samplingFlags(), grammarFlags(), adapterFlags(), computeFlags(kernel.Fast), preFlag()),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "MODEL")
			if err != nil {
				return err
			}
			o, err := runOptionsOf(c, arg)
			if err != nil {
				return err
			}
			if talks(c) {
				chat, err := chatOptionsOf(c)
				if err != nil {
					return err
				}
				if !c.IsSet("n") {
					o.MaxTokens = mostTokens // as many as there is room for
				}
				return runTalk(c.Context, g, o, chat)
			}
			if o.prompt, err = readPrompt(g.in, c.String("prompt"), c.IsSet("prompt")); err != nil {
				return err
			}
			return runRun(c.Context, g, o)
		},
	}
}

const mostTokens = 1 << 24 // of a text

// runOptions are run's flags, but for those of a conversation.
type runOptions struct {
	sampling
	model    string
	source   convert.Options
	adapters []convert.LoRA
	prompt   string
}

func runOptionsOf(c *cli.Context, model string) (o runOptions, err error) {
	o.model, o.source, o.prompt = model, sourceOptions(c), c.String("prompt")
	if o.sampling, err = samplingOf(c); err != nil {
		return o, err
	}
	if o.MaxTokens = c.Int("n"); o.MaxTokens < 1 || o.MaxTokens > mostTokens {
		return o, outOfRange("-n", 1, mostTokens, o.MaxTokens)
	}
	if o.adapters, err = adaptersOf(c); err != nil {
		return o, err
	}
	o.grammar, err = grammarOf(c)
	return o, err
}

// generated is run's JSON.
type generated struct {
	Prompt string  `json:"prompt"`
	Text   string  `json:"text"`
	Tokens []int32 `json:"tokens"`
	Stop   string  `json:"stop_reason"`
}

// warnBeyond says that a model is used beyond what it was trained for; what names the number of tokens.
func warnBeyond(w io.Writer, path string, e *engine.Engine, tokens int, what string) {
	if trained := e.ContextLength(); tokens > trained {
		fmt.Fprintf(w, "carat: warning: %s: %s; the model was trained for %d (context_length), beyond that its predictions get worse\n", path, what, trained)
	}
}

func runRun(ctx context.Context, g global, o runOptions) error {
	e, err := g.engine(o.model, o.source, engine.Options{Text: true}, o.adapters...)
	if err != nil {
		return err
	}
	defer e.Close()
	tok, err := e.Tokenizer()
	if err != nil {
		return err
	}
	if err := inputfile.CheckUTF8("the prompt", []byte(o.prompt)); err != nil {
		return err
	}
	ids, err := tok.Encode(o.prompt, true, true)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return usagef("the prompt is empty and the model has no beginning-of-text token: give -p TEXT")
	}
	options, err := o.sampling.ready(e.Vocab(), tok)
	if err != nil {
		return err
	}
	sess, err := e.NewSession(len(ids) + o.MaxTokens)
	if err != nil {
		return err
	}
	warnBeyond(g.err, o.model, e, len(ids)+o.MaxTokens, fmt.Sprintf("%d tokens of prompt and up to %d more (-n)", len(ids), o.MaxTokens))
	if e.Encodes() { // the prompt is what the encoder reads, and the text an answer to it
		if err := sess.Encode(ids); err != nil {
			return err
		}
		ids = []int32{e.Start()}
	}
	var text strings.Builder
	if !g.json && !e.Encodes() {
		fmt.Fprint(g.out, o.prompt)
	}
	tokens, reason, err := generate.Run(ctx, sess, e.Vocab(), tok, ids, options(), func(piece []byte) error {
		text.Write(piece)
		if g.json {
			return nil
		}
		_, err := g.out.Write(piece)
		return err
	})
	if err != nil {
		return err
	}
	if err := gguf.Unchanged(e.Source()); err != nil {
		return err
	}
	if o.grammar != nil && reason == generate.Limit {
		printf(g.err, "carat: warning: the text is not whole: it has %d tokens, as many as -n allows, and the grammar wants more\n", len(tokens))
	}
	if g.json {
		return printJSON(g.out, generated{o.prompt, text.String(), tokens, string(reason)})
	}
	fmt.Fprintln(g.out)
	return nil
}
