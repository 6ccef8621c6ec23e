package main

import (
	"context"
	"fmt"
	"io"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval"
	"github.com/carat-llm/carat/gguf"
	"github.com/urfave/cli/v2"
)

func evalCommand(s streams) *cli.Command {
	return &cli.Command{
		Name:      "eval",
		Usage:     "measure perplexity, and divergence from a reference",
		ArgsUsage: "MODEL",
		Description: `Perplexity by llama-perplexity's protocol: chunks of --ctx tokens, the second half of each scored. With
--reference both models run side by side over the same text and their distributions are compared; no logits are
stored. The reference may be the checkpoint folder itself.

EXAMPLES:
   carat eval smollm2-Q4_K_M.gguf --text wiki.txt
   carat eval smollm2-Q4_K_M.gguf --text wiki.txt --reference ./SmolLM2-135M --chunks 20
   carat eval smollm2-Q4_K_M.gguf --text wiki.txt --json | jq .perplexity.value`,
		Flags: append(sourceFlags(),
			&cli.StringFlag{Name: "text", Usage: "evaluation text `FILE` (UTF-8)"},
			&cli.StringFlag{Name: "reference", Usage: "`MODEL` to compare with"},
			&cli.IntFlag{Name: "ctx", Value: 512, Usage: "tokens in a chunk"},
			&cli.IntFlag{Name: "chunks", Usage: "evaluate only the first `N` chunks"},
			&cli.IntFlag{Name: "stride", Usage: "windows every `N` tokens, the last N of each scored"}),
		Action: func(c *cli.Context) error {
			g, err := globals(c)
			if err != nil {
				return err
			}
			args, err := positional(c, 1, "MODEL")
			if err != nil {
				return err
			}
			if c.String("text") == "" {
				return usagef("eval needs --text FILE")
			}
			ev := evalOptions{Text: c.String("text"), Context: c.Int("ctx"), Chunks: c.Int("chunks"), Stride: c.Int("stride")}
			if err := ev.check(); err != nil {
				return err
			}
			return runEval(c.Context, s, g, args[0], c.String("reference"), sourceOptions(c), ev)
		},
	}
}

// evalOptions are eval's flags and those of build --eval.
type evalOptions struct {
	Text                    string
	Context, Chunks, Stride int
}

func (o evalOptions) check() error {
	switch {
	case o.Context < 4 || o.Context > 1<<20:
		return usagef("--ctx %d: from 4 to %d", o.Context, 1<<20)
	case o.Chunks < 0:
		return usagef("--chunks %d must not be negative", o.Chunks)
	case o.Stride < 0 || o.Stride >= o.Context:
		return usagef("--stride %d: from 1 to ctx-1, or 0 for none", o.Stride)
	}
	return nil
}

func runEval(ctx context.Context, s streams, g global, path, reference string, src convert.Options, o evalOptions) error {
	m, err := openModel(path, src)
	if err != nil {
		return err
	}
	defer m.Close()
	var ref gguf.Model
	if reference != "" {
		if ref, err = openModel(reference, src); err != nil {
			return err
		}
		defer ref.Close()
	}
	e, err := measure(ctx, s, g, m, ref, o)
	if err != nil {
		return err
	}
	e.Model, e.ReferenceModel = path, reference
	if g.json {
		return printJSON(s.out, e)
	}
	if !g.quiet {
		e.print(s.out)
	}
	return nil
}

// evaluation is eval's JSON. Fields of the comparison are there when there is a reference.
type evaluation struct {
	Model          string `json:"model,omitempty"`
	ReferenceModel string `json:"reference,omitempty"`
	Text           string `json:"text"`
	TextSHA256     string `json:"text_sha256"`
	Context        int    `json:"ctx"`
	Stride         int    `json:"stride,omitempty"`
	*eval.Metrics
	PeakMemory int64 `json:"peak_memory_bytes"` // of this process so far; 0 when unknown
}

// measure evaluates m, against ref unless that is nil.
func measure(ctx context.Context, s streams, g global, m, ref gguf.Model, o evalOptions) (*evaluation, error) {
	texts, err := eval.ReadTexts(o.Text, "", eval.JSONL{Text: "text", Slice: "slice"})
	if err != nil {
		return nil, err
	}
	cand, err := candidate(m, g, o.Context)
	if err != nil {
		return nil, err
	}
	corpus, err := eval.NewCorpus(texts, cand.Tokenizer, eval.Options{Context: o.Context, Chunks: o.Chunks, Stride: o.Stride})
	if err != nil {
		return nil, err
	}
	b := newBar(s.err, g, "evaluate")
	defer b.finish()
	run := eval.Run{Corpus: corpus, Candidates: []eval.Candidate{*cand}, Threads: g.threads, Progress: func(done, all int, _ []*eval.Series) {
		// In bytes of text, as every bar of carat counts bytes.
		b.update(int64(len(texts[0].Data))*int64(done)/int64(all), int64(len(texts[0].Data)))
	}}
	e := &evaluation{Text: o.Text, TextSHA256: texts[0].SHA256, Context: o.Context, Stride: o.Stride}
	if ref != nil {
		rc, err := candidate(ref, g, o.Context)
		if err != nil {
			return nil, err
		}
		if err := corpus.SameTokens("the reference", rc.Tokenizer); err != nil {
			return nil, err
		}
		run.Reference = eval.Live(*rc)
	}
	series, err := run.Do(ctx)
	if err != nil {
		return nil, err
	}
	e.Metrics = series[0].Metrics(eval.All)
	e.PeakMemory = eval.PeakMemory()
	return e, nil
}

// candidate loads m with room for ctx tokens.
func candidate(m gguf.Model, g global, ctx int) (*eval.Candidate, error) {
	mod, tok, err := loadModel(m, g)
	if err != nil {
		return nil, err
	}
	sess, err := mod.NewSession(ctx)
	if err != nil {
		return nil, err
	}
	return &eval.Candidate{Name: "the model", Session: sess, Vocab: mod.Vocab(), Tokenizer: tok}, nil
}

func (e *evaluation) print(out io.Writer) {
	p := e.Perplexity
	fmt.Fprintf(out, "%s: %d tokens scored in %d chunks of %d\n\n", e.Text, p.Tokens, len(p.Chunks), e.Context)
	t := newTable(out)
	t.row("", "     value", "std error", "")
	if e.Comparison != nil {
		t.row("perplexity, reference", fmt.Sprintf("%10.4f", e.Reference.Value), fmt.Sprintf("%9.4f", e.Reference.StdErr), "")
	}
	t.row("perplexity", fmt.Sprintf("%10.4f", p.Value), fmt.Sprintf("%9.4f", p.StdErr), "")
	if e.Comparison != nil {
		t.row("perplexity ratio", fmt.Sprintf("%10.5f", e.Ratio.Value), fmt.Sprintf("%9.5f", e.Ratio.StdErr), "paired by token")
		t.row("KL divergence, mean", fmt.Sprintf("%10.6f", e.Divergence.Mean), fmt.Sprintf("%9.6f", e.Divergence.StdErr), "nats")
		t.row("KL divergence, median", fmt.Sprintf("%10.6f", e.Divergence.Median), "", "")
		t.row("KL divergence, 99 %", fmt.Sprintf("%10.6f", e.Divergence.P99), "", "")
		t.row("same top token", fmt.Sprintf("%8.2f %%", 100*e.SameTop.Value), fmt.Sprintf("%7.2f %%", 100*e.SameTop.StdErr), "")
		t.row("RMS change of p", fmt.Sprintf("%8.2f %%", 100*e.DeltaP.Value), fmt.Sprintf("%7.2f %%", 100*e.DeltaP.StdErr), "")
	}
	t.flush()
}
