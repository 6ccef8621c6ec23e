package main

import (
	"math"

	"github.com/carat-llm/carat/runtime/generate"
	"github.com/urfave/cli/v2"
)

// defaultBreakers are llama.cpp's.
var defaultBreakers = []string{"\n", ":", "\"", "*"}

// samplingFlags say how tokens are drawn; names and meanings are llama.cpp's.
func samplingFlags() []cli.Flag {
	return group(samplingGroup,
		&cli.Float64Flag{Name: "temp", Usage: "`T` temperature; 0, the default, always takes the likeliest token"},
		&cli.IntFlag{Name: "top-k", Value: 40, Usage: "`K` sample from the K likeliest tokens; 0 for all"},
		&cli.Float64Flag{Name: "typical", Value: 1, Usage: "`P` sample from the tokens of typical surprise whose probabilities sum to P"},
		&cli.Float64Flag{Name: "top-p", Value: 0.95, Usage: "`P` sample from the likeliest tokens whose probabilities sum to P"},
		&cli.Float64Flag{Name: "min-p", Usage: "`P` sample from tokens with at least P times the probability of the likeliest"},
		&cli.Float64Flag{Name: "xtc-probability", Usage: "`P` how often XTC takes away the likeliest tokens; 0 for never"},
		&cli.Float64Flag{Name: "xtc-threshold", Value: 0.1, Usage: "`P` XTC takes all tokens of that probability but for the least likely of them"},
		&cli.Float64Flag{Name: "repeat-penalty", Value: 1, Usage: "`X` divide the logits of the last tokens by X; 1 for no penalty"},
		&cli.Float64Flag{Name: "presence-penalty", Usage: "`X` take X from the logits of the last tokens"},
		&cli.Float64Flag{Name: "frequency-penalty", Usage: "`X` take X from the logits of the last tokens for each time that they are there"},
		&cli.IntFlag{Name: "repeat-last-n", Value: 64, Usage: "`N` the last tokens, of prompt and text, for these penalties"},
		&cli.Float64Flag{Name: "dry-multiplier", Usage: "`X` take X * BASE^(n - LENGTH) from the logit of a token that would go on with a repetition of n tokens (DRY)"},
		&cli.Float64Flag{Name: "dry-base", Value: 1.75, Usage: "`BASE` of DRY"},
		&cli.IntFlag{Name: "dry-allowed-length", Value: 2, Usage: "`LENGTH` of the repetitions that DRY looks at, at least"},
		&cli.IntFlag{Name: "dry-penalty-last-n", Value: 64, Usage: "`N` tokens among which DRY looks for repetitions"},
		&cli.StringSliceFlag{Name: "dry-sequence-breaker", Usage: "`TEXT` that ends repetitions, in place of a line's end, :, \" and *; none for no such text"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`N` random seed"},
		&cli.StringSliceFlag{Name: "stop", Usage: "`TEXT` that ends the generation and is not printed"})
}

// samplingOptions are the values of samplingFlags, and the texts of DRY's breakers.
func samplingOptions(c *cli.Context) (o generate.Options, breakers []string, err error) {
	o.Params = generate.Params{
		Temperature: c.Float64("temp"), TopK: c.Int("top-k"), TypicalP: c.Float64("typical"), TopP: c.Float64("top-p"), MinP: c.Float64("min-p"), Seed: c.Uint64("seed"),
		XTC:       generate.XTC{Probability: c.Float64("xtc-probability"), Threshold: c.Float64("xtc-threshold")},
		Penalties: generate.Penalties{LastN: c.Int("repeat-last-n"), Repeat: c.Float64("repeat-penalty"), Presence: c.Float64("presence-penalty"), Frequency: c.Float64("frequency-penalty")},
		DRY: generate.DRY{Multiplier: c.Float64("dry-multiplier"), Base: c.Float64("dry-base"),
			Allowed: c.Int("dry-allowed-length"), Window: c.Int("dry-penalty-last-n")},
	}
	if o.Stop = c.StringSlice("stop"); len(o.Stop) > 0 {
		for _, s := range o.Stop {
			if s == "" {
				return o, nil, usagef("--stop needs a text that is not empty")
			}
		}
	}
	breakers = defaultBreakers
	if c.IsSet("dry-sequence-breaker") {
		if breakers = c.StringSlice("dry-sequence-breaker"); len(breakers) == 1 && breakers[0] == "none" {
			breakers = nil
		}
	}
	return o, breakers, checkSampling(o.Params)
}

// checkSampling refuses what no token can be drawn with.
func checkSampling(p generate.Params) error {
	most := math.Inf(1)
	for _, f := range []struct {
		flag        string
		value       float64
		least, most float64
		what        string
	}{
		{"--temp", p.Temperature, 0, most, "at least 0, which always takes the likeliest token"},
		{"--top-k", float64(p.TopK), 0, most, "at least 0, which means all tokens"},
		{"--typical", p.TypicalP, math.SmallestNonzeroFloat64, 1, "above 0 and at most 1, which means all tokens"},
		{"--top-p", p.TopP, math.SmallestNonzeroFloat64, 1, "above 0 and at most 1, which means all tokens"},
		{"--min-p", p.MinP, 0, 1, "from 0, which means all tokens, to 1"},
		{"--xtc-probability", p.XTC.Probability, 0, 1, "from 0 to 1"},
		{"--xtc-threshold", p.XTC.Threshold, 0, 0.5, "from 0 to 0.5: no two tokens have more"},
		{"--repeat-penalty", p.Repeat, math.SmallestNonzeroFloat32, math.MaxFloat32, "above 0; 1 is no penalty"},
		{"--presence-penalty", p.Presence, -math.MaxFloat32, math.MaxFloat32, "a number"},
		{"--frequency-penalty", p.Frequency, -math.MaxFloat32, math.MaxFloat32, "a number"},
		{"--repeat-last-n", float64(p.LastN), 0, most, "at least 0, which means no penalty"},
		{"--dry-multiplier", p.Multiplier, 0, math.MaxFloat32, "at least 0, which means no penalty"},
		{"--dry-base", p.Base, 1, math.MaxFloat32, "at least 1"},
		{"--dry-allowed-length", float64(p.Allowed), 0, most, "at least 0"},
		{"--dry-penalty-last-n", float64(p.Window), 0, most, "at least 0, which means no penalty"},
	} {
		if !(f.value >= f.least && f.value <= f.most) || math.IsInf(f.value, 0) {
			return usagef("%s must be %s (got %v)", f.flag, f.what, f.value)
		}
	}
	return nil
}
