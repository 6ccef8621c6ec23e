package main

import (
	"slices"

	"github.com/urfave/cli/v2"
)

func compareCommand() *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "evaluate several models over the same text and say which differ",
		ArgsUsage: "MODEL MODEL...",
		Description: `All models run side by side over the same chunks, against one pass of the reference. Models are compared chunk by
chunk, which needs far less text than comparing their averages; a difference counts only when it is significant at 5 %
after Holm's correction for all pairs. Controls are models to compare with, not candidates: "effective bits" says how
many bits per weight the controls need to get as close to the reference.

Without --reference, models with different tokenizers are compared in bits per byte: chunks are then cut where tokens
of all models begin, so that all see and score the same bytes.

A file that is broken, or has another tokenizer than the --reference, is reported as failed; the others are measured,
and the exit code is 4. All models are in memory at once: their weights, mapped from the files, and for each a cache of
--ctx tokens and 16 MB.

EXAMPLES:
   carat compare q4_k_m.gguf iq4_xs.gguf --reference ./SmolLM2-135M --text wiki.txt
   carat compare mine-*.gguf --control q3_k_m.gguf --control q4_k_m.gguf --control q5_k_m.gguf \
       --reference ./SmolLM2-135M --text wiki.txt --html compare.html --speed
   carat compare smollm2.gguf qwen3.gguf --text wiki.txt
   carat compare a.gguf b.gguf --reference ./SmolLM2-135M --text wiki.txt --report r.json
   carat compare a.gguf b.gguf --reference ./SmolLM2-135M --text wiki.txt --report r.json --resume`,
		Flags: slices.Concat(comparisonFlags(), measureFlags(), pageFlags(), sourceFlags()),
		Action: func(c *cli.Context) error {
			g, err := globals(c)
			if err != nil {
				return err
			}
			paths, controls := c.Args().Slice(), c.StringSlice("control")
			if len(paths) == 0 || len(paths)+len(controls) < 2 {
				return usagef("compare needs two or more models (got %q); see carat compare --help", paths)
			}
			cmp, err := comparisonOf(c, "compare")
			if err != nil {
				return err
			}
			for _, p := range paths {
				cmp.candidates = append(cmp.candidates, candidateFile{path: p})
			}
			cmp.addControls(controls)
			ms := models{g: g, src: sourceOptions(c)}
			defer ms.close()
			if err := cmp.prepare(&ms, nil); err != nil {
				return err
			}
			return cmp.run(c.Context, &ms, nil)
		},
	}
}

// comparisonFlags are shared by compare and sweep.
func comparisonFlags() []cli.Flag {
	return group(compareGroup,
		&cli.StringSliceFlag{Name: "control", Usage: "`MODEL` model to compare with that is not a candidate"},
		&cli.BoolFlag{Name: "speed", Usage: "also measure load, prefill, decoding and memory"},
		&cli.BoolFlag{Name: "tensors", Usage: "also compare every tensor with the reference's"},
	)
}
