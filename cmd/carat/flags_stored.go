package main

import (
	"github.com/carat-llm/carat/eval/job"
	"github.com/urfave/cli/v2"
)

// storedFlags are about predictions of the reference in files.
func storedFlags() []cli.Flag {
	return group("STORED REFERENCE",
		&cli.StringFlag{Name: "reference-cache", Usage: "`FILE` keep the reference's 256 likeliest tokens per position; the next run uses them instead of running the reference"},
		&cli.StringFlag{Name: "save-logits", Usage: "`FILE` write the reference's predictions as llama-perplexity --kl-divergence-base does"},
		&cli.StringFlag{Name: "logits", Usage: "`FILE` compare with a file of llama-perplexity --kl-divergence-base, which includes the text"},
	)
}

// storedOf are the files of storedFlags.
func storedOf(c *cli.Context) (job.Stored, error) {
	o := job.Stored{Cache: c.String("reference-cache"), Save: c.String("save-logits"), Logits: c.String("logits")}
	switch {
	case o.Logits != "" && (o.Cache != "" || o.Save != "" || c.String("reference") != "" || len(c.StringSlice("text")) > 0):
		return o, usagef("--logits includes text and reference: it cannot be combined with --text, --reference, --reference-cache or --save-logits")
	case (o.Cache != "" || o.Save != "") && c.String("reference") == "":
		return o, usagef("--reference-cache and --save-logits need --reference MODEL")
	case o.Save != "" && c.Bool("resume"):
		return o, usagef("--save-logits cannot be combined with --resume, which skips the first chunks")
	case o.Save != "" && (c.Int("max-tokens") > 0 || c.Float64("until-width") > 0):
		return o, usagef("--save-logits writes all chunks: use --chunks instead of --max-tokens or --until-width")
	case (o.Save != "" || o.Logits != "") && c.Int("stride") > 0:
		return o, usagef("llama.cpp's logits file format has no --stride")
	case o.Save != "" && len(c.StringSlice("text")) > 1:
		return o, usagef("llama.cpp's logits file format holds one text: --save-logits needs exactly one --text")
	case o.Cache != "" && o.Cache == o.Save:
		return o, usagef("--reference-cache and --save-logits are both %s", o.Cache)
	}
	return o, nil
}
