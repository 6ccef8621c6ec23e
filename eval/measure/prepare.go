package measure

import (
	"errors"
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
		err := j.sameTokenizer(m, first)
		if j.AnyTokenizer && j.Reference == nil && errors.Is(err, eval.ErrTokenizers) {
			if err := j.cutByBytes(); err != nil {
				return err
			}
			break
		}
		if err != nil {
			fault := &eval.ModelError{Candidate: i, Err: err}
			if !j.Tolerant || !j.fail(fault) {
				return fault
			}
		}
	}
	j.prepared = true
	return nil
}

// cutByBytes cuts the texts for tokenizers that differ.
func (j *Job) cutByBytes() error {
	var live []int
	var toks []eval.Tokenizer
	for i := range j.Candidates {
		if j.Candidates[i].Failure == "" {
			live, toks = append(live, i), append(toks, j.Candidates[i].Loaded.Tokenizer)
		}
	}
	corpora, err := eval.NewCorpora(j.Texts, toks, j.Options)
	var fault *eval.ModelError
	if errors.As(err, &fault) {
		fault.Candidate = live[fault.Candidate]
		fault.Err = fmt.Errorf("%s: %w", j.Candidates[fault.Candidate].Loaded.Name, fault.Err)
		if j.Tolerant && j.fail(fault) {
			j.Corpus = nil
			return j.prepare() // the others, whose tokenizers may be one
		}
	}
	if err != nil {
		return err
	}
	j.corpora = make([]*eval.Corpus, len(j.Candidates))
	for k, i := range live {
		j.corpora[i] = corpora[k]
	}
	j.Corpus = corpora[0]
	return nil
}

// corpus is what candidate i is measured over.
func (j *Job) corpus(i int) *eval.Corpus {
	if j.corpora != nil {
		return j.corpora[i]
	}
	return j.Corpus
}

// Figure is the one that the run is about: what UntilWidth narrows and progress shows.
func (j *Job) Figure() string {
	switch {
	case j.Reference != nil:
		return "kld.mean"
	case j.corpora != nil:
		return "bits_per_byte"
	}
	return "ppl"
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
		return fmt.Errorf("%w: %s has %d tokens in its vocabulary, but %s has %d: only models with the same tokenizer can be compared",
			eval.ErrTokenizers, m.Name, m.Vocab, first.Name, first.Vocab)
	}
	if j.Texts == nil {
		return nil
	}
	if t, ok := m.Tokenizer.(interface{ Same(other any) bool }); ok && t.Same(first.Tokenizer) {
		return nil
	}
	return j.Corpus.SameTokens(m.Name, m.Tokenizer)
}
