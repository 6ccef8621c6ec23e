package serve

import (
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/carat-llm/carat/runtime/generate"
	"github.com/carat-llm/carat/runtime/grammar"
)

// params are the fields that completions of both kinds share. Those behind Seed are not OpenAI's; they have the names that other servers
// have for them.
type params struct {
	Model               string             `json:"model"`
	Stream              bool               `json:"stream"`
	StreamOptions       *streamOptions     `json:"stream_options"`
	N                   *int               `json:"n"`
	MaxTokens           *int               `json:"max_tokens"`
	MaxCompletionTokens *int               `json:"max_completion_tokens"`
	Stop                texts              `json:"stop"`
	LogitBias           map[string]float64 `json:"logit_bias"`
	ResponseFormat      *format            `json:"response_format"`
	Temperature         *float64           `json:"temperature"`
	TopP                *float64           `json:"top_p"`
	PresencePenalty     *float64           `json:"presence_penalty"`
	FrequencyPenalty    *float64           `json:"frequency_penalty"`
	Seed                *int64             `json:"seed"`
	TopK                *int               `json:"top_k"`
	MinP                *float64           `json:"min_p"`
	TypicalP            *float64           `json:"typical_p"`
	RepeatPenalty       *float64           `json:"repeat_penalty"`
	RepetitionPenalty   *float64           `json:"repetition_penalty"`
	RepeatLastN         *int               `json:"repeat_last_n"`
	Grammar             string             `json:"grammar"`

	grammar *grammar.Grammar // what of the fields holds the text to a form; nil: nothing
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

const (
	mostChoices = 16
	mostStops   = 16
	mostTop     = 20 // likeliest tokens
)

// options are those of jobs with room for so many tokens behind the prompt.
func (p *params) options(o Options, room int) (g generate.Options, err error) {
	g.Params = o.Params
	for _, f := range []struct {
		name        string
		value       *float64
		to          *float64
		least, most float64
	}{
		{"temperature", p.Temperature, &g.Temperature, 0, 100},
		{"top_p", p.TopP, &g.TopP, math.SmallestNonzeroFloat64, 1},
		{"min_p", p.MinP, &g.MinP, 0, 1},
		{"typical_p", p.TypicalP, &g.TypicalP, math.SmallestNonzeroFloat64, 1},
		{"presence_penalty", p.PresencePenalty, &g.Presence, -100, 100},
		{"frequency_penalty", p.FrequencyPenalty, &g.Frequency, -100, 100},
		{"repeat_penalty", p.RepeatPenalty, &g.Repeat, 0, 100},
		{"repetition_penalty", p.RepetitionPenalty, &g.Repeat, 0, 100},
	} {
		if f.value == nil {
			continue
		}
		if v := *f.value; !(v >= f.least && v <= f.most) {
			if f.least > 0 {
				return g, invalid(f.name, "must be above 0 and at most %g (found %g)", f.most, v)
			}
			return g, invalid(f.name, "must be from %g to %g (found %g)", f.least, f.most, v)
		}
		*f.to = *f.value
	}
	for _, f := range []struct {
		name  string
		value *int
		to    *int
		least int
	}{
		{"top_k", p.TopK, &g.TopK, 0},
		{"repeat_last_n", p.RepeatLastN, &g.Penalties.LastN, 0},
		{"max_tokens", p.MaxTokens, &g.MaxTokens, 1},
		{"max_completion_tokens", p.MaxCompletionTokens, &g.MaxTokens, 1},
	} {
		if f.value == nil {
			continue
		}
		if *f.value < f.least || *f.value > 1<<24 {
			return g, invalid(f.name, "must be from %d to %d (found %d)", f.least, 1<<24, *f.value)
		}
		*f.to = *f.value
	}
	if g.MaxTokens == 0 {
		g.MaxTokens = room
	}
	g.MaxTokens = min(g.MaxTokens, room)
	switch {
	case p.Seed != nil:
		g.Seed = uint64(*p.Seed)
	case !o.Seeded:
		g.Seed = rand.Uint64()
	}
	if len(p.Stop) > mostStops {
		return g, invalid("stop", "found %d texts, expected at most %d", len(p.Stop), mostStops)
	}
	for _, s := range p.Stop {
		if s == "" {
			return g, invalid("stop", "found an empty text")
		}
	}
	g.Stop = p.Stop
	if len(g.Stop) == 0 {
		g.Stop = nil
	}
	return g, nil
}

// choices is n.
func (p *params) choices() (int, error) {
	if p.N == nil {
		return 1, nil
	}
	if *p.N < 1 || *p.N > mostChoices {
		return 0, invalid("n", "must be from 1 to %d (found %d)", mostChoices, *p.N)
	}
	return *p.N, nil
}

// bias is logit_bias of a model with so many tokens.
func (p *params) bias(vocab int) (map[int32]float32, error) {
	out := map[int32]float32{}
	for name, v := range p.LogitBias {
		id, err := strconv.Atoi(name)
		if err != nil || id < 0 || id >= vocab {
			return nil, invalid("logit_bias", "%q is no token; the model has tokens from 0 to %d", name, vocab-1)
		}
		if !(v >= -100 && v <= 100) {
			return nil, invalid("logit_bias", "must be from -100 to 100 (found %g for token %d)", v, id)
		}
		out[int32(id)] = float32(v)
	}
	return out, nil
}
