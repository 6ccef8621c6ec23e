package job

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/carat-llm/carat/eval/logits"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/run"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
)

// Stored are files of a reference's predictions, "" for none.
type Stored struct {
	Cache  string // read if it is of this reference, text and protocol, else written
	Save   string // llama.cpp's logits file, written
	Logits string // llama.cpp's logits file, read: text and reference in one
}

// RequestError is a job that cannot be meant.
type RequestError struct{ error }

func (e *RequestError) Unwrap() error { return e.error }

func requestf(format string, args ...any) error { return &RequestError{fmt.Errorf(format, args...)} }

// Source is where the reference is: Open opens the model at Path, and Load makes it one of the job's.
type Source struct {
	Path string // "" for no reference
	Open func() (gguf.Model, error)
	Load func() (*Model, error)
}

// Storage is what a run reads the reference from or writes it to. Close ends it.
type Storage struct {
	readers []interface{ Close() error }
	writers []interface {
		Seal() (*atomicfile.File, error)
		Abort() error
	}
}

// Close adds what was written to files if the run was whole, and removes it otherwise.
func (s *Storage) Close(whole bool, files *atomicfile.Batch) error {
	var errs []error
	for _, r := range s.readers {
		errs = append(errs, r.Close())
	}
	for _, w := range s.writers {
		if !whole {
			errs = append(errs, w.Abort())
			continue
		}
		f, err := w.Seal()
		if err == nil {
			files.Add(f)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// SetReference gives j its reference, from files or live. A job that resumes cannot write a cache anew.
func (f *Stored) SetReference(j *Job, src Source, resume bool) (*Storage, error) {
	if f.Logits != "" {
		return f.fromLlama(j)
	}
	if src.Path == "" {
		return &Storage{}, nil
	}
	if f.Cache != "" && f.Save == "" {
		st, err := f.fromCache(j, src)
		if st != nil || err != nil {
			return st, err
		}
		if resume {
			return nil, requestf("%s is the cache of another reference or text, and --resume cannot make a new one: omit --reference-cache", f.Cache)
		}
	}
	var err error
	if j.Reference, err = src.Load(); err != nil || f.Cache == "" && f.Save == "" {
		return &Storage{}, err
	}
	st := &Storage{}
	j.Predictions = func(c *text.Corpus) (run.Reference, error) { return f.record(j, c, st) }
	return st, nil
}

// record is the live reference, whose predictions are written.
func (f *Stored) record(j *Job, c *text.Corpus, st *Storage) (run.Reference, error) {
	var rows []run.RowWriter
	vocab := j.Reference.Loaded.Vocab
	if f.Cache != "" {
		w, err := logits.Create(f.Cache, run.CacheHeader(c, j.Reference.ID.SHA256, vocab, j.Computation.String()))
		if err != nil {
			return nil, err
		}
		st.writers, rows = append(st.writers, w), append(rows, w)
	}
	if f.Save != "" {
		h, err := run.LlamaHeader(c, vocab)
		if err != nil {
			return nil, err
		}
		w, err := logits.CreateLlama(f.Save, h)
		if err != nil {
			return nil, err
		}
		st.writers, rows = append(st.writers, w), append(rows, w)
	}
	return run.Record(j.Reference.Loaded, rows...), nil
}

// fromCache uses the cache if it is of this reference, text and protocol; otherwise it returns nil. The reference's
// tokenizer is taken to be the candidate's: the tokens are compared with the cache's.
func (f *Stored) fromCache(j *Job, from Source) (_ *Storage, err error) {
	r, err := logits.Open(f.Cache)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if errors.Is(err, gguf.ErrInput) {
		return nil, fmt.Errorf("%w: delete it so that it is made again, or give another --reference-cache", err)
	}
	if err != nil {
		return nil, err
	}
	used := false
	defer func() {
		if !used {
			err = errors.Join(err, r.Close())
		}
	}()
	src, err := from.Open()
	if err != nil {
		return nil, err
	}
	id, err := Identify(from.Path, src, gguf.HashFile)
	if err != nil {
		return nil, err
	}
	candidate := &j.Candidates[0].Loaded
	corpus, err := text.NewCorpus(j.Texts, candidate.Tokenizer, j.Options)
	if err != nil {
		return nil, err
	}
	h := r.Header()
	need := corpus.ChunksFor(j.MaxTokens)
	if h.ModelSHA256 != id.SHA256 || h.TextSHA256 != corpus.SHA256() || h.Computation != j.Computation.String() || h.Context != corpus.Options.Context || h.Stride != corpus.Options.Stride || len(h.Chunks) < need {
		return nil, nil // of something else: it is made again
	}
	if h.Vocab != candidate.Vocab {
		return nil, fmt.Errorf("%w: %s has %d tokens in its vocabulary, the reference %d: only models with one tokenizer can be compared",
			text.ErrTokenizers, candidate.Name, candidate.Vocab, h.Vocab)
	}
	used = true
	j.Reference = &Model{ID: id, Source: src}
	j.Corpus, j.Stored = corpus, "cache"
	j.Predictions = func(c *text.Corpus) (run.Reference, error) { return run.Cached(r, c, need) }
	return &Storage{readers: []interface{ Close() error }{r}}, nil
}

func (f *Stored) fromLlama(j *Job) (*Storage, error) {
	r, err := logits.OpenLlama(f.Logits)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s: no such file", gguf.ErrInput, f.Logits)
	}
	if err != nil {
		return nil, err
	}
	h, m := r.Header(), &j.Candidates[0].Loaded
	if h.Vocab != m.Vocab {
		return nil, errors.Join(fmt.Errorf("%w: %s holds predictions of %d tokens, %s has %d", text.ErrTokenizers, f.Logits, h.Vocab, m.Name, m.Vocab), r.Close())
	}
	if h.Context != j.Options.Context {
		return nil, errors.Join(requestf("%s has chunks of %d tokens: pass --ctx %d", f.Logits, h.Context, h.Context), r.Close())
	}
	sum, err := gguf.HashFile(f.Logits)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	base := filepath.Base(f.Logits)
	j.Reference = &Model{ID: report.Model{Name: base, SHA256: sum.SHA256, Bytes: sum.Bytes}}
	j.Corpus, j.Stored = run.CorpusOf(h, m.Tokenizer, base, sum.SHA256, j.Options.Chunks), "llama-logits"
	j.Predictions = func(c *text.Corpus) (run.Reference, error) { return run.FromLlama(r, c), nil }
	return &Storage{readers: []interface{ Close() error }{r}}, nil
}
