package job

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/run"
	"github.com/carat-llm/carat/eval/text"
)

// prepare cuts the texts, once, and refuses models that read them differently.
func (j *Job) prepare() error {
	if j.prepared {
		return nil
	}
	first := j.tokenizerReference()
	if first == nil {
		return j.Failures()
	}
	if j.Corpus == nil {
		var err error
		if j.Corpus, err = text.NewCorpus(j.Texts, first.Tokenizer, j.Options); err != nil {
			return err
		}
	}
	for i := range j.Candidates {
		m := &j.Candidates[i].Loaded
		if m == first || j.Candidates[i].Failure != "" {
			continue
		}
		err := j.sameTokenizer(m, first)
		if j.AnyTokenizer && j.Reference == nil && errors.Is(err, text.ErrTokenizers) {
			if err := j.cutByBytes(); err != nil {
				return err
			}
			break
		}
		if err != nil {
			if err := j.tolerate(i, err); err != nil {
				return err
			}
		}
	}
	j.prepared = true
	return nil
}

// cutByBytes cuts the texts for tokenizers that differ.
func (j *Job) cutByBytes() error {
	toks := make([]text.Tokenizer, len(j.Candidates))
	for i := range j.Candidates {
		if j.Candidates[i].Failure == "" {
			toks[i] = j.Candidates[i].Loaded.Tokenizer
		}
	}
	corpora, err := text.NewCorpora(j.Texts, toks, j.Options)
	if fault := (*text.TokenizerError)(nil); errors.As(err, &fault) {
		if err := j.tolerate(fault.Index, fmt.Errorf("%s: %w", j.Candidates[fault.Index].Loaded.Name, fault.Err)); err != nil {
			return err
		}
		j.Corpus = nil
		return j.prepare() // the others, whose tokenizers may be one
	}
	if err != nil {
		return err
	}
	j.corpora = corpora
	j.Corpus = corpora[slices.IndexFunc(corpora, func(c *text.Corpus) bool { return c != nil })]
	return nil
}

// corpus is what candidate i is measured over.
func (j *Job) corpus(i int) *text.Corpus {
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

// tokenizerReference is the model whose tokenizer the others must share: the reference, if it is there to be run, or else the
// first candidate; nil if there is none.
func (j *Job) tokenizerReference() *run.Candidate {
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

func (j *Job) sameTokenizer(m, first *run.Candidate) error {
	if m.Vocab != first.Vocab {
		return fmt.Errorf("%w: %s has %d tokens in its vocabulary, but %s has %d: only models with the same tokenizer can be compared",
			text.ErrTokenizers, m.Name, m.Vocab, first.Name, first.Vocab)
	}
	if j.Texts == nil {
		return nil
	}
	if t, ok := m.Tokenizer.(interface{ Same(other any) bool }); ok && t.Same(first.Tokenizer) {
		return nil
	}
	return j.Corpus.SameTokens(m.Name, m.Tokenizer)
}

// SoFar says of at most three candidates what the Figure is by now: a title for who waits.
func (j *Job) SoFar(series []*figure.Series) string {
	name := j.Figure()
	parts := []string{j.Command, figure.Named(name).Short}
	for i, s := range series {
		if s == nil || len(parts) == 5 {
			continue
		}
		l, err := s.Limits(name, figure.All)
		if err != nil {
			continue
		}
		value := fmt.Sprintf("%.4f", l.Estimate())
		if len(series) > 1 {
			value = j.Candidates[i].ID.FileType + " " + value
		}
		parts = append(parts, value)
	}
	return strings.Join(parts, " ")
}
