package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/runtime/embed"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/generate"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/carat-llm/carat/runtime/serve"
	"github.com/urfave/cli/v2"
)

func serveCommand() *cli.Command {
	return &cli.Command{
		Name:      "serve",
		Usage:     "answer OpenAI's HTTP API with a model",
		ArgsUsage: "MODEL",
		Description: `Serves the model to programs that speak OpenAI's API: /v1/chat/completions, /v1/completions, /v1/embeddings and
/v1/models. http://HOST:PORT/ is a page to chat with, /metrics are figures for Prometheus, /health says whether it lives.
Several answers are written at once, in --parallel slots, and the weights are read once for all of them; what a slot knows of a
conversation is not read again. The sampling flags say what holds for requests that do not say otherwise.

Only programs on this machine reach the server unless --host says otherwise; give --api-key then. Ctrl-C or SIGTERM lets
answers end, for --grace seconds. docs/serve.md has the fields of requests.

EXAMPLES:
   carat serve smollm2-Q4_K_M.gguf
   carat serve ./SmolLM2-135M --port 9000 --ctx 8192 --parallel 8
   carat serve Qwen3-Embedding-0.6B-Q8_0.gguf --alias embed
   CARAT_API_KEY=secret carat serve smollm2-Q4_K_M.gguf --host 0.0.0.0 --cors https://example.org
   curl http://127.0.0.1:8080/v1/chat/completions -d '{"messages": [{"role": "user", "content": "Hello"}]}'`,
		Flags: slices.Concat(
			group(serverGroup,
				&cli.StringFlag{Name: "host", Value: "127.0.0.1", Usage: "`HOST` address to listen at; 0.0.0.0 for all of this machine"},
				&cli.IntFlag{Name: "port", Value: 8080, Usage: "`N` port to listen at; 0 for one that is free"},
				&cli.StringFlag{Name: "alias", Usage: "`NAME` of the model in answers; otherwise that of its file or folder"},
				&cli.StringFlag{Name: "api-key", Usage: "`KEY` that requests must carry; better in the environment, as CARAT_API_KEY, which other users do not see"},
				&cli.StringFlag{Name: "cors", Usage: "`ORIGIN` whose pages may use the server in browsers, as https://example.org; * for all"},
				&cli.IntFlag{Name: "ctx", Usage: "`N` tokens of a slot, prompt and answer; otherwise what the model was trained for, but at most 4096"},
				&cli.IntFlag{Name: "parallel", Value: 4, Usage: "`N` answers that are written at once"},
				&cli.IntFlag{Name: "queue", Value: 64, Usage: "`N` answers that may wait for a slot; more are refused with status 429"},
				&cli.IntFlag{Name: "timeout", Value: 600, Usage: "`SECONDS` that a request may take, in the queue and after"},
				&cli.IntFlag{Name: "grace", Value: 10, Usage: "`SECONDS` for answers to end when the server is stopped"},
				&cli.BoolFlag{Name: "dry-run", Usage: "load the model, listen, say so and end"}),
			group(vectorGroup,
				&cli.StringFlag{Name: "pooling", Usage: "`" + strings.Join(embed.Poolings(), "|") + "` how tokens' vectors become one, in place of what the model says"}),
			slices.DeleteFunc(samplingFlags(), func(f cli.Flag) bool { return f.Names()[0] == "stop" }), // requests have their own
			adapterFlags(), computeFlags(kernel.Fast), preFlag()),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "MODEL")
			if err != nil {
				return err
			}
			o, err := serveOptionsOf(c)
			if err != nil {
				return err
			}
			o.model, o.source = arg, sourceOptions(c)
			o.source.Dense = true // vectors are those that sentence-transformers makes
			if o.adapters, err = adaptersOf(c); err != nil {
				return err
			}
			return runServe(c.Context, g, o)
		},
	}
}

// serveOptions are the flags of serve.
type serveOptions struct {
	serve.Options
	model    string
	source   convert.Options
	adapters []convert.LoRA
	breakers []string // of DRY
	address  string
	grace    time.Duration
	dryRun   bool
}

func serveOptionsOf(c *cli.Context) (o serveOptions, err error) {
	for _, f := range []struct {
		flag        string
		least, most int
	}{{"port", 0, 65535}, {"parallel", 1, 1024}, {"queue", 0, 1 << 20}, {"timeout", 1, 1 << 30}, {"grace", 0, 1 << 30}} {
		if v := c.Int(f.flag); v < f.least || v > f.most {
			return o, outOfRange("--"+f.flag, f.least, f.most, v)
		}
	}
	if v := c.Int("ctx"); c.IsSet("ctx") && (v < 2 || v > mostTokens) {
		return o, outOfRange("--ctx", 2, mostTokens, v)
	}
	drawn, err := samplingOf(c)
	if err != nil {
		return o, err
	}
	o.breakers, o.dryRun = drawn.breakers, c.Bool("dry-run")
	o.address, o.grace = net.JoinHostPort(c.String("host"), strconv.Itoa(c.Int("port"))), time.Duration(c.Int("grace"))*time.Second
	o.Options = serve.Options{Name: c.String("alias"), Slots: c.Int("parallel"), Queue: c.Int("queue"), Context: c.Int("ctx"), Params: drawn.Params, Seeded: c.IsSet("seed"),
		Key: cmp.Or(c.String("api-key"), os.Getenv("CARAT_API_KEY")), Origins: c.String("cors"), Timeout: time.Duration(c.Int("timeout")) * time.Second}
	if name := c.String("pooling"); name != "" {
		p, err := embed.ParsePooling(name)
		if err != nil {
			return o, usagef("--pooling: %w", err)
		}
		if p == embed.None {
			return o, usagef("--pooling none makes a vector of each token, which the API cannot return")
		}
		o.Pooling = &p
	}
	return o, nil
}

// served is serve's JSON.
type served struct {
	URL     string `json:"url"`
	Model   string `json:"model"`
	Slots   int    `json:"slots"`
	Context int    `json:"context"`
}

func runServe(ctx context.Context, g global, o serveOptions) (err error) {
	l, err := net.Listen("tcp", o.address) // before the model is read, which may take a while
	if err != nil {
		return hint.Wrap(fmt.Errorf("%w: cannot listen at %s: %w", gguf.ErrEnvironment, o.address, err), "another --port, or --port 0 for one that is free")
	}
	defer l.Close()
	e, err := g.engine(o.model, o.source, engine.Options{Text: true, Activations: true}, o.adapters...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if err := o.complete(e, l); err != nil {
		return err
	}
	server, err := serve.New(e, o.Options)
	if err != nil {
		return fmt.Errorf("%s: %w", o.model, err)
	}
	defer server.Close()
	if !o.Loopback && o.Key == "" && g.note != nil {
		g.note("everybody who reaches " + l.Addr().String() + " may use the model: --api-key, or CARAT_API_KEY, asks for a key")
	}
	about := served{"http://" + l.Addr().String(), o.Name, o.Slots, server.Context()}
	if g.json {
		err = printJSON(g.out, about)
	} else {
		_, err = fmt.Fprintf(g.out, "serving %s at %s (%d slots of %d tokens)\n", about.Model, about.URL, about.Slots, about.Context)
	}
	if err != nil || o.dryRun {
		return err
	}
	return listen(ctx, l, server, o.grace)
}

// complete sets what the model and the listener say.
func (o *serveOptions) complete(e *engine.Engine, l net.Listener) error {
	o.Name = cmp.Or(o.Name, strings.TrimSuffix(filepath.Base(o.model), ".gguf"))
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		o.Loopback = a.IP.IsLoopback()
	}
	if folder, ok := e.Source().(*convert.Model); ok {
		yes, says := folder.Normalizes()
		o.Plain = says && !yes
	}
	if o.Params.Multiplier == 0 {
		return nil
	}
	tok, err := e.Tokenizer()
	if err != nil {
		return err
	}
	o.Params.Breakers, err = generate.FindBreakers(e.Vocab(), tok, o.breakers)
	return err
}

// listen serves until ctx ends; requests then have the time of grace.
func listen(ctx context.Context, l net.Listener, s *serve.Server, grace time.Duration) error {
	h := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: log.New(io.Discard, "", 0)}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("%w: %w", gguf.ErrEnvironment, err)
	case <-ctx.Done():
	}
	for _, wait := range []time.Duration{grace, time.Second} { // in the second, what the first has ended is told
		end, cancel := context.WithTimeout(context.Background(), wait)
		err := h.Shutdown(end)
		cancel()
		if err == nil {
			return nil
		}
		s.Close()
	}
	return h.Close()
}
