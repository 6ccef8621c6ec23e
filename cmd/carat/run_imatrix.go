package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/runtime/engine"
)

func runImatrix(ctx context.Context, g global, o imatrixOptions) error {
	if exists(o.partial()) && !o.Resume {
		return usagef("%s of an interrupted run exists: continue it with --resume, or delete it", o.partial())
	}
	m, err := g.open(o.Model, o.Source)
	if err != nil {
		return err
	}
	defer m.Close()
	text, err := readCalibration(g.in, o.Text)
	if err != nil {
		return err
	}
	if o.Output && !slices.ContainsFunc(m.Tensors(), func(t gguf.Tensor) bool { return t.Info().Name == "output.weight" }) {
		fmt.Fprintln(g.err, "carat: note: the model has no separate output.weight; --process-output has no effect")
		o.Output = false
	}
	model, err := imatrix.Fingerprint(m)
	if err != nil {
		return err
	}
	snap := imatrix.Snapshot{Model: model, Text: text.SHA256, Context: o.Context, Output: o.Output, Computation: g.computing.record().String()}
	matrix, err := collectImatrix(ctx, g, m, imatrixText{text, snap}, o)
	if err != nil {
		return err
	}
	err = finishImatrix(g, matrix, o)
	var no *refusal
	if errors.As(err, &no) && o.SaveEvery > 0 {
		if err := snap.Write(o.partial(), matrix); err != nil {
			return err
		}
		return &refusal{fmt.Sprintf("%s; %s keeps what was collected: --resume with a lower --min-coverage writes it", no.msg, o.partial())}
	}
	if err != nil || !exists(o.partial()) {
		return err
	}
	return os.Remove(o.partial())
}

// imatrixText is what a matrix is collected from, and what an interrupted run keeps of it.
type imatrixText struct {
	*calibrationText
	imatrix.Snapshot
}

// collectImatrix runs m over the text and keeps snapshots.
func collectImatrix(ctx context.Context, g global, m gguf.Model, in imatrixText, o imatrixOptions) (*imatrix.Matrix, error) {
	e, err := g.load(o.Model, m, engine.Options{Text: true})
	if err != nil {
		return nil, err
	}
	defer e.Close()
	sess, err := e.NewSession(o.Context)
	if err != nil {
		return nil, err
	}
	warnBeyond(g.err, o.Model, e, o.Context, fmt.Sprintf("--ctx %d tokens", o.Context))
	chunks, err := in.chunks(e, m.Metadata(), o.Context, o.Chunks)
	if err != nil {
		return nil, err
	}
	in.noteUnknown(g)
	opts := imatrix.Options{Dataset: filepath.Base(o.Text), SHA256: in.SHA256, Output: o.Output, Vocab: e.Vocab(), Threads: g.threads, SaveEvery: o.SaveEvery}
	if o.SaveEvery > 0 {
		opts.Save = func(sums *imatrix.Matrix) error {
			if err := gguf.Unchanged(m); err != nil { // --resume would continue from sums of two models
				return err
			}
			return in.Write(o.partial(), sums)
		}
	}
	done := 0
	if exists(o.partial()) {
		if opts.Start, err = in.Read(o.partial()); err != nil {
			return nil, err
		}
		done = opts.Start.Chunks
	}
	b := newBar(g, "collect")
	defer b.finish()
	opts.Progress = func(chunk, chunks int) {
		done = chunk
		// In bytes of text, as every bar of carat counts bytes.
		b.update(int64(len(in.Data))*int64(chunk)/int64(chunks), int64(len(in.Data)))
	}
	matrix, err := imatrix.Collect(ctx, sess, chunks, opts)
	if errors.Is(err, context.Canceled) && exists(o.partial()) {
		return nil, &interruption{fmt.Sprintf("interrupted after chunk %d of %d", done, len(chunks)), o.partial() + " keeps what was collected: continue with --resume"}
	}
	if err != nil {
		return nil, err
	}
	return matrix, gguf.Unchanged(m)
}

func runImatrixMerge(g global, paths []string, o imatrixOptions) error {
	var ms []imatrix.Named
	for _, p := range paths {
		m, err := imatrix.Read(p)
		if err != nil {
			return err
		}
		ms = append(ms, imatrix.Named{Name: p, Matrix: m})
	}
	m, err := imatrix.Merge(ms, o.Context)
	if err != nil {
		return err
	}
	return finishImatrix(g, m, o)
}

// finishImatrix writes m unless its coverage is too low, and reports.
func finishImatrix(g global, m *imatrix.Matrix, o imatrixOptions) error {
	r := reportImatrix(m)
	refused := r.refuse(o.MinCoverage)
	if refused == nil {
		if err := m.Write(o.Out, o.Format); err != nil {
			return err
		}
		var err error
		if r.Output, err = hashFile(o.Out); err != nil {
			return err
		}
	}
	return errors.Join(r.show(g), refused)
}

func runImatrixStats(g global, path string, o imatrixOptions) error {
	m, err := imatrix.Read(path)
	if err != nil {
		return err
	}
	r := reportImatrix(m)
	r.File, r.Statistics = path, m.Statistics()
	r.Layers = imatrix.Layers(r.Statistics)
	return errors.Join(r.show(g), r.refuse(o.MinCoverage))
}
