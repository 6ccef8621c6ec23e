package main

import (
	"cmp"
	"math"
	"strings"

	"github.com/carat-llm/carat/eval/task"
	"github.com/carat-llm/carat/quantize/calibration"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/model"
	"github.com/carat-llm/carat/runtime/tokenizer"
)

// languageTokens is how much of a language's text tells whether a model knows it.
const languageTokens = 256

// known is the mix without carat's documents in languages that the model of e does not know. Models that predict nothing by
// what came before cannot tell.
func (t *calibrationText) known(e *engine.Engine, tok *tokenizer.Tokenizer) (*calibration.Mix, error) {
	if t.kept != nil || !e.Predicts() || e.Encodes() {
		return cmp.Or(t.kept, t.mix), nil
	}
	s, err := e.NewSession(languageTokens)
	if err != nil {
		return nil, err
	}
	t.kept, t.unknown, err = t.mix.Known(func(text string) (float64, error) { return bitsOf(s, tok, e.Vocab(), text) })
	return t.kept, err
}

// noteUnknown says which languages were left out, once.
func (t *calibrationText) noteUnknown(g global) {
	if len(t.unknown) > 0 && !g.quiet {
		printf(g.err, "carat: note: left out of carat's text, as the model does not know these languages: %s\n", strings.Join(t.unknown, ", "))
	}
	t.unknown = nil
}

// bitsOf is how many bits a model takes for a text: of one that is longer than the session, as many as in proportion to the
// tokens.
func bitsOf(s *model.Session, tok *tokenizer.Tokenizer, vocab int, text string) (float64, error) {
	ids, err := tok.Encode(text, true, false)
	if err != nil || len(ids) < 2 {
		return 0, err
	}
	some := ids[:min(len(ids), languageTokens)]
	p, err := task.LogProb(s, vocab, some)
	return -p / math.Ln2 * float64(len(ids)) / float64(len(some)), err
}
