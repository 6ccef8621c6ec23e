package main

import (
	"context"
	"fmt"
	"io"
	"os"

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

	Perplexity eval.Perplexity  `json:"perplexity"`
	Reference  *eval.Perplexity `json:"reference_perplexity,omitempty"`
	Ratio      *eval.Estimate   `json:"perplexity_ratio,omitempty"`
	KLD        *eval.Divergence `json:"kld,omitempty"`
	SameTop    *eval.Estimate   `json:"same_top,omitempty"`
	DeltaP     *eval.Estimate   `json:"rms_delta_p,omitempty"`

	PeakMemory int64 `json:"peak_memory_bytes"` // of this process so far; 0 when unknown
}

// measure evaluates m, against ref unless that is nil.
func measure(ctx context.Context, s streams, g global, m, ref gguf.Model, o evalOptions) (*evaluation, error) {
	text, err := readText(o.Text)
	if err != nil {
		return nil, err
	}
	cand, err := candidate(m, g, o.Context)
	if err != nil {
		return nil, err
	}
	b := newBar(s.err, g, "evaluate")
	defer b.finish()
	opts := eval.Options{Context: o.Context, Chunks: o.Chunks, Stride: o.Stride, Progress: func(done, all int, _ float64) {
		// In bytes of text, as every bar of carat counts bytes.
		b.update(int64(len(text.data))*int64(done)/int64(all), int64(len(text.data)))
	}}
	e := &evaluation{Text: o.Text, TextSHA256: text.sha256, Context: o.Context, Stride: o.Stride}
	if ref == nil {
		p, err := eval.MeasurePerplexity(ctx, *cand, o.Text, text.data, opts)
		if err != nil {
			return nil, err
		}
		e.Perplexity = *p
	} else {
		rc, err := candidate(ref, g, o.Context)
		if err != nil {
			return nil, err
		}
		c, err := eval.Compare(ctx, *cand, *rc, o.Text, text.data, opts)
		if err != nil {
			return nil, err
		}
		e.Perplexity, e.Reference, e.Ratio = c.Perplexity, &c.Reference, &c.Ratio
		e.KLD, e.SameTop, e.DeltaP = &c.Divergence, &c.SameTop, &c.DeltaP
	}
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
	return &eval.Candidate{Session: sess, Vocab: mod.Vocab(), Tokenizer: tok}, nil
}

type evalText struct{ data, sha256 string }

func readText(path string) (*evalText, error) {
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil, fmt.Errorf("%w: %s: no such file", gguf.ErrInput, path)
	}
	if err != nil {
		return nil, err
	}
	return &evalText{string(b), sha256Hex(b)}, nil
}

func (e *evaluation) print(out io.Writer) {
	p := e.Perplexity
	fmt.Fprintf(out, "%s: %d tokens scored in %d chunks of %d\n\n", e.Text, p.Tokens, len(p.Chunks), e.Context)
	t := newTable(out)
	t.row("", "     value", "std error", "")
	if e.Reference != nil {
		t.row("perplexity, reference", fmt.Sprintf("%10.4f", e.Reference.Value), fmt.Sprintf("%9.4f", e.Reference.StdErr), "")
	}
	t.row("perplexity", fmt.Sprintf("%10.4f", p.Value), fmt.Sprintf("%9.4f", p.StdErr), "")
	if e.Reference != nil {
		t.row("perplexity ratio", fmt.Sprintf("%10.5f", e.Ratio.Value), fmt.Sprintf("%9.5f", e.Ratio.StdErr), "paired by token")
		t.row("KL divergence, mean", fmt.Sprintf("%10.6f", e.KLD.Mean), fmt.Sprintf("%9.6f", e.KLD.StdErr), "nats")
		t.row("KL divergence, median", fmt.Sprintf("%10.6f", e.KLD.Median), "", "")
		t.row("KL divergence, 99 %", fmt.Sprintf("%10.6f", e.KLD.P99), "", "")
		t.row("same top token", fmt.Sprintf("%8.2f %%", 100*e.SameTop.Value), fmt.Sprintf("%7.2f %%", 100*e.SameTop.StdErr), "")
		t.row("RMS change of p", fmt.Sprintf("%8.2f %%", 100*e.DeltaP.Value), fmt.Sprintf("%7.2f %%", 100*e.DeltaP.StdErr), "")
	}
	t.flush()
}
