package main

import (
	"math"

	"github.com/carat-llm/carat/runtime/generate"
	"github.com/carat-llm/carat/runtime/grammar"
	"github.com/carat-llm/carat/runtime/tokenizer"
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
		&cli.Float64Flag{Name: "dry-multiplier", Usage: "`X` take X * BASE^(n - LENGTH) from the logit of a token that would extend a repetition of n tokens (DRY)"},
		&cli.Float64Flag{Name: "dry-base", Value: 1.75, Usage: "`BASE` of DRY"},
		&cli.IntFlag{Name: "dry-allowed-length", Value: 2, Usage: "`LENGTH` of the repetitions that DRY looks at, at least"},
		&cli.IntFlag{Name: "dry-penalty-last-n", Value: 64, Usage: "`N` tokens among which DRY looks for repetitions"},
		&cli.StringSliceFlag{Name: "dry-sequence-breaker", Usage: "`TEXT` that ends repetitions, in place of a line's end, :, \" and *; none for no such text"},
		&cli.Uint64Flag{Name: "seed", Value: 1, Usage: "`N` random seed"},
		&cli.StringSliceFlag{Name: "stop", Usage: "`TEXT` that ends the generation and is not printed"})
}

// sampling is how tokens are drawn, and of which the text may consist.
type sampling struct {
	generate.Options
	breakers []string         // texts that end the repetitions of DRY
	grammar  *grammar.Grammar // nil for any text
}

// samplingOf are the values of samplingFlags.
func samplingOf(c *cli.Context) (o sampling, err error) {
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
				return o, usagef("--stop needs a text that is not empty")
			}
		}
	}
	o.breakers = defaultBreakers
	if c.IsSet("dry-sequence-breaker") {
		if o.breakers = c.StringSlice("dry-sequence-breaker"); len(o.breakers) == 1 && o.breakers[0] == "none" {
			o.breakers = nil
		}
	}
	return o, checkSampling(o.Params)
}

// ready finds the breakers and the grammar's tokens in a vocabulary; what it returns gives the options of one text.
func (o sampling) ready(vocab int, tok *tokenizer.Tokenizer) (options func() generate.Options, err error) {
	if o.Multiplier > 0 {
		if o.Breakers, err = generate.FindBreakers(vocab, tok, o.breakers); err != nil {
			return nil, err
		}
	}
	var v *grammar.Vocabulary
	if o.grammar != nil {
		v = grammar.NewVocabulary(tok)
	}
	return func() generate.Options {
		if o.grammar != nil {
			o.Constraint = o.grammar.Constrain(v)
		}
		return o.Options
	}, nil
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
