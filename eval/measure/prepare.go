package measure

import (
	"fmt"

	"github.com/carat-llm/carat/eval"
)

// prepare cuts the texts, once, and refuses models that read them differently.
func (j *Job) prepare() error {
	if j.prepared {
		return nil
	}
	first := j.yardstick()
	if first == nil {
		return j.Failures()
	}
	if j.Corpus == nil {
		var err error
		if j.Corpus, err = eval.NewCorpus(j.Texts, first.Tokenizer, j.Options); err != nil {
			return err
		}
	}
	for i := range j.Candidates {
		m := &j.Candidates[i].Loaded
		if m == first || j.Candidates[i].Failure != "" {
			continue
		}
		if err := j.sameTokenizer(m, first); err != nil {
			fault := &eval.ModelError{Candidate: i, Err: err}
			if !j.Tolerant || !j.fail(fault) {
				return fault
			}
		}
	}
	j.prepared = true
	return nil
}

// yardstick is the model whose tokenizer the others must share: the reference, if it is there to be run, or else the
// first candidate; nil if there is none.
func (j *Job) yardstick() *eval.Candidate {
	if j.Reference != nil && j.Reference.Loaded.Session != nil {
		return &j.Reference.Loaded
	}
	for i := range j.Candidates {
		if j.Candidates[i].Failure == "" {
			return &j.Candidates[i].Loaded
		}
	}
	return nil
}

func (j *Job) sameTokenizer(m, first *eval.Candidate) error {
	if m.Vocab != first.Vocab {
		return fmt.Errorf("%w: %s has %d tokens in its vocabulary, %s has %d: only models with one tokenizer can be compared",
			eval.ErrTokenizers, m.Name, m.Vocab, first.Name, first.Vocab)
	}
	if j.Texts == nil {
		return nil
	}
	return j.Corpus.SameTokens(m.Name, m.Tokenizer)
}
