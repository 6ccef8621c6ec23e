package main

import (
	"context"
	"errors"
	"slices"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/report"
	"github.com/urfave/cli/v2"
)

func evalCommand() *cli.Command {
	return &cli.Command{
		Name:      "eval",
		Usage:     "measure perplexity, and divergence from a reference",
		ArgsUsage: "MODEL",
		Description: `Perplexity by llama-perplexity's protocol: chunks of --ctx tokens, the second half of each scored. With
--reference both models run side by side over the same text and their distributions are compared; no logits are
stored. The reference may be the checkpoint folder itself. Several texts, or the values of a field of a .jsonl file,
are slices with figures of their own; the worst slice is named.

Intervals have 95 % confidence and treat chunks, not tokens, as independent. --until-width 0.05 stops as soon as the
divergence is known to 5 %; it checks after 16, 23, 32, 45, ... chunks. A run ends at the first of --chunks,
--max-tokens, --until-width and the end of the text. An interrupted run (Ctrl-C) prints what it has; with --report
it saves that, and the same command with --resume continues.

--reference-cache makes later runs skip the reference; the divergence is then slightly low, by at most the bound
printed with it.

EXAMPLES:
   carat eval smollm2-Q4_K_M.gguf --text wiki.txt
   carat eval smollm2-Q4_K_M.gguf --text wiki.txt --reference ./SmolLM2-135M --chunks 20
   carat eval q4.gguf --reference ./SmolLM2-135M --text prose=wiki.txt --text code=code.txt
   carat eval q4.gguf --reference ./SmolLM2-135M --text chats.jsonl --slice-field language
   carat eval q4.gguf --reference ./SmolLM2-135M --text wiki.txt --report q4.json --html q4.html
   carat eval q4.gguf --reference ./SmolLM2-135M --text wiki.txt --reference-cache wiki.cache
   carat eval q4.gguf --logits llama-perplexity.kld
   carat eval smollm2-Q4_K_M.gguf --text wiki.txt --json | jq .perplexity.value`,
		Flags: slices.Concat(measureFlags(), adapterFlags(), storedFlags(), pageFlags(), sourceFlags()),
		Action: func(c *cli.Context) error {
			g, arg, err := opening(c, "MODEL")
			if err != nil {
				return err
			}
			o := evalOptions{model: arg, reference: c.String("reference"), source: sourceOptions(c), pages: pagesOf(c)}
			if o.adapters, err = adaptersOf(c); err != nil {
				return err
			}
			if o.measure, err = measureOptionsOf(c); err != nil {
				return err
			}
			if o.stored, err = storedOf(c); err != nil {
				return err
			}
			if err := o.check(); err != nil {
				return err
			}
			return runEval(c.Context, g, o)
		},
	}
}

// evalOptions are eval's flags.
type evalOptions struct {
	model, reference string
	source           convert.Options
	adapters         []convert.LoRA // of model
	measure          measureOptions
	stored           job.Stored
	pages            pages
}

func (o *evalOptions) check() error {
	if len(o.measure.Texts) == 0 && o.stored.Logits == "" {
		return usagef("eval needs --text FILE")
	}
	return o.measure.checkReport()
}

func runEval(ctx context.Context, g global, o evalOptions) error {
	// Only reports, pages and caches hold the models' SHA-256.
	ms := models{g: g, src: o.source, sizesOnly: o.measure.Report == "" && len(o.pages) == 0 && o.stored.Cache == ""}
	defer ms.close()
	j := job.Job{Command: "eval", Options: o.measure.Eval, Computation: g.computing.record(), MaxTokens: o.measure.MaxTokens, UntilWidth: o.measure.UntilWidth}
	var err error
	if j.Texts, err = o.measure.texts(); err != nil {
		return err
	}
	cand, err := ms.load(o.model, "", j.Options.Context, o.adapters...)
	if err != nil {
		return err
	}
	j.Candidates = []job.Model{*cand}
	store, err := o.stored.SetReference(&j, ms.source(o.reference, j.Options.Context), o.measure.Resume)
	if err != nil {
		return err
	}
	r, runErr := runJob(ctx, g, &j, o.measure)
	var out outputs
	defer out.abort()
	// What was measured is printed even if it could not be stored.
	storeErr := store.Close(runErr == nil, &out.files)
	var left *interruption
	if r == nil || runErr != nil && !errors.As(runErr, &left) {
		return errors.Join(runErr, storeErr)
	}
	e := newEvaluation(r, o.model, o.reference)
	e.Stopped = r.Protocol.Stopped
	return ended(runErr, errors.Join(storeErr, o.pages.write(g, r, o.measure.Report, e, &out)), out.files.Names(), o.measure.Report)
}

// evaluation is eval's JSON. Fields of the comparison are there when there is a reference.
type evaluation struct {
	Model          string        `json:"model,omitempty"`
	ReferenceModel string        `json:"reference,omitempty"`
	Complete       bool          `json:"complete"`
	Stopped        string        `json:"stopped,omitempty"` // "width" or "max-tokens", when that ended the run before the text
	Data           []report.Data `json:"data"`
	Text           string        `json:"text"`        // the first text's file
	TextSHA256     string        `json:"text_sha256"` // and sum
	Context        int           `json:"ctx"`
	Stride         int           `json:"stride,omitempty"`
	report.Computation
	*figure.Metrics
	Slices     []report.Slice `json:"slices,omitempty"`
	WorstSlice string         `json:"worst_slice,omitempty"`
	PeakMemory int64          `json:"peak_memory_bytes"` // of this process so far; 0 when unknown
}

func newEvaluation(r *report.Report, path, reference string) *evaluation {
	c := r.Candidates[0]
	e := &evaluation{
		Model: path, ReferenceModel: reference, Complete: r.Complete, Data: r.Data, Context: r.Protocol.Context, Stride: r.Protocol.Stride,
		Computation: r.Protocol.Computation, Metrics: c.Metrics, Slices: c.Slices, WorstSlice: c.WorstSlice, PeakMemory: bench.PeakMemory(),
	}
	if len(r.Data) > 0 {
		e.Text, e.TextSHA256 = r.Data[0].File, r.Data[0].SHA256
	}
	return e
}
