package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/logits"
	"github.com/carat-llm/carat/eval/report"
	evalrun "github.com/carat-llm/carat/eval/run"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
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

// storedOptions are the files of storedFlags.
type storedOptions struct{ Cache, Save, Logits string }

func storedOptionsOf(c *cli.Context) (storedOptions, error) {
	o := storedOptions{c.String("reference-cache"), c.String("save-logits"), c.String("logits")}
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

// storage is what a run reads the reference from or writes it to. close ends it.
type storage struct {
	readers []interface{ Close() error }
	writers []interface {
		Seal() (*atomicfile.File, error)
		Abort() error
	}
}

// close adds what was written to o if the run was whole, and removes it otherwise.
func (s *storage) close(whole bool, o *outputs) error {
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
			o.files.Add(f)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// apply sets up j's reference, which is the model at path unless that is empty.
func (o *storedOptions) apply(j *job.Job, ms *models, path string, resume bool) (*storage, error) {
	if o.Logits != "" {
		return o.fromLlama(j, ms)
	}
	if path == "" {
		return &storage{}, nil
	}
	if o.Cache != "" && o.Save == "" {
		st, err := o.fromCache(j, ms, path)
		if st != nil || err != nil {
			return st, err
		}
		if resume {
			return nil, usagef("%s is the cache of another reference or text, and --resume cannot make a new one: omit --reference-cache", o.Cache)
		}
	}
	var err error
	if j.Reference, err = ms.load(path, "", j.Options.Context); err != nil || o.Cache == "" && o.Save == "" {
		return &storage{}, err
	}
	st := &storage{}
	j.Predictions = func(c *text.Corpus) (evalrun.Reference, error) {
		var rows []evalrun.RowWriter
		if o.Cache != "" {
			w, err := logits.Create(o.Cache, evalrun.CacheHeader(c, j.Reference.ID.SHA256, j.Reference.Loaded.Vocab, ms.g.computing.record().String()))
			if err != nil {
				return nil, err
			}
			st.writers, rows = append(st.writers, w), append(rows, w)
		}
		if o.Save != "" {
			h, err := evalrun.LlamaHeader(c, j.Reference.Loaded.Vocab)
			if err != nil {
				return nil, err
			}
			w, err := logits.CreateLlama(o.Save, h)
			if err != nil {
				return nil, err
			}
			st.writers, rows = append(st.writers, w), append(rows, w)
		}
		return evalrun.Record(j.Reference.Loaded, rows...), nil
	}
	return st, nil
}

// fromCache uses the cache if it is of this reference, text and protocol; otherwise it returns nil. The reference's
// tokenizer is taken to be the candidate's: the tokens are compared with the cache's.
func (o *storedOptions) fromCache(j *job.Job, ms *models, path string) (*storage, error) {
	r, err := logits.Open(o.Cache)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if errors.Is(err, gguf.ErrInput) {
		return nil, fmt.Errorf("%w: delete it so that it is made again, or give another --reference-cache", err)
	}
	if err != nil {
		return nil, err
	}
	src, err := ms.g.open(path, ms.src)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	ms.loader.Keep(src)
	id, err := job.Identify(path, src, ms.sums.Hash)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	corpus, err := text.NewCorpus(j.Texts, j.Candidates[0].Loaded.Tokenizer, j.Options)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	h := r.Header()
	need := corpus.ChunksFor(j.MaxTokens)
	if h.ModelSHA256 != id.SHA256 || h.TextSHA256 != corpus.SHA256() || h.Computation != ms.g.computing.record().String() || h.Context != corpus.Options.Context || h.Stride != corpus.Options.Stride || len(h.Chunks) < need {
		return nil, r.Close() // of something else: it is made again
	}
	if h.Vocab != j.Candidates[0].Loaded.Vocab {
		return nil, errors.Join(fmt.Errorf("%w: %s has %d tokens in its vocabulary, the reference %d: only models with one tokenizer can be compared",
			text.ErrTokenizers, j.Candidates[0].Loaded.Name, j.Candidates[0].Loaded.Vocab, h.Vocab), r.Close())
	}
	j.Reference = &job.Model{ID: id, Source: src}
	j.Corpus, j.Stored = corpus, "cache"
	j.Predictions = func(c *text.Corpus) (evalrun.Reference, error) { return evalrun.Cached(r, c, need) }
	return &storage{readers: []interface{ Close() error }{r}}, nil
}

func (o *storedOptions) fromLlama(j *job.Job, ms *models) (*storage, error) {
	r, err := logits.OpenLlama(o.Logits)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s: no such file", gguf.ErrInput, o.Logits)
	}
	if err != nil {
		return nil, err
	}
	h, m := r.Header(), &j.Candidates[0].Loaded
	if h.Vocab != m.Vocab {
		return nil, errors.Join(fmt.Errorf("%w: %s holds predictions of %d tokens, %s has %d", text.ErrTokenizers, o.Logits, h.Vocab, m.Name, m.Vocab), r.Close())
	}
	if h.Context != j.Options.Context {
		return nil, errors.Join(usagef("%s has chunks of %d tokens: pass --ctx %d", o.Logits, h.Context, h.Context), r.Close())
	}
	sum, err := ms.sums.Hash(o.Logits)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	base := filepath.Base(o.Logits)
	j.Reference = &job.Model{ID: report.Model{Name: base, SHA256: sum.SHA256, Bytes: sum.Bytes}}
	j.Corpus, j.Stored = evalrun.CorpusOf(h, m.Tokenizer, base, sum.SHA256, j.Options.Chunks), "llama-logits"
	j.Predictions = func(c *text.Corpus) (evalrun.Reference, error) { return evalrun.FromLlama(r, c), nil }
	return &storage{readers: []interface{ Close() error }{r}}, nil
}
