package quantize

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
	"golang.org/x/sync/errgroup"
)

// Run writes the plan to path, or to the files of a split named after it (Paths). progress, if not nil, is called
// from the workers with the bytes of the source read so far and in all. When ctx ends, the source's files change or
// anything fails, nothing is left.
func (p *Plan) Run(ctx context.Context, path string, progress func(done, total int64)) error {
	return RunAll(ctx, []*Plan{p}, []string{path}, progress)
}

// RunAll runs plans of one model together, the i-th to paths[i]: each row of the source is read and decoded once
// and encoded for every plan, once for those that want the same of it. The files are those that Run writes; their
// bytes do not depend on what runs together or on threads, of which there are as many as the plan with most asks
// for. The memory needed is that of one plan. Either all files are at their names in the end, or none is.
func RunAll(ctx context.Context, plans []*Plan, paths []string, progress func(done, total int64)) error {
	writers, err := Stage(ctx, plans, paths, progress)
	if err != nil {
		return err
	}
	return gguf.CommitAll(writers)
}

// Stage is RunAll but for the names: the files are whole, and it is left to the caller to commit them, with others that
// belong to them, or to abort. After an error there is nothing to abort.
func Stage(ctx context.Context, plans []*Plan, paths []string, progress func(done, total int64)) ([]*gguf.Writer, error) {
	if err := together(plans, paths); err != nil {
		return nil, err
	}
	writers := make([]*gguf.Writer, 0, len(plans))
	abort := func(err error) ([]*gguf.Writer, error) {
		for _, w := range writers {
			err = errors.Join(err, w.Abort())
		}
		return nil, err
	}
	for i, p := range plans {
		w, err := gguf.CreateSplit(paths[i], p.Metadata, p.infos(), p.Split)
		if err != nil {
			return abort(err)
		}
		writers = append(writers, w)
		if p.Hash {
			w.Hash()
		}
	}
	if err := write(ctx, plans, writers, progress); err != nil {
		return abort(err)
	}
	for _, p := range plans {
		if err := gguf.Unchanged(p.source); err != nil {
			return abort(err)
		}
	}
	return writers, nil
}

// Write writes src to path as it is: the same metadata, tensors and types in the same order. It is Run of a
// plan that changes nothing.
func Write(ctx context.Context, src gguf.Model, path string, threads int, progress func(done, total int64)) error {
	p, err := NewPlan(src, Options{FileType: recipe.Copy, Verbatim: true, Threads: threads})
	if err != nil {
		return err
	}
	return p.Run(ctx, path, progress)
}

// together refuses plans of different models, and files that would replace each other.
func together(plans []*Plan, paths []string) error {
	if len(plans) != len(paths) {
		return fmt.Errorf("%w: %d plans for %d paths", ErrOptions, len(plans), len(paths))
	}
	seen := map[string]bool{}
	for i, p := range plans {
		if p.source != plans[0].source {
			return fmt.Errorf("%w: %s is of another model than %s: only plans of one model can run together", ErrOptions, paths[i], paths[0])
		}
		files, err := p.Paths(paths[i])
		if err != nil {
			return err
		}
		for _, f := range files {
			if f, err = filepath.Abs(f); err != nil {
				return err
			}
			if seen[f] {
				return fmt.Errorf("%w: two plans would write %s: give them different names", ErrOptions, f)
			}
			seen[f] = true
		}
	}
	return nil
}

// write fills the files that writers began for plans.
func write(ctx context.Context, plans []*Plan, writers []*gguf.Writer, progress func(done, total int64)) error {
	queue := &chunks{jobs: jobs(plans, writers)}
	var done atomic.Int64
	var total int64
	for _, j := range queue.jobs {
		total += j.in.Bytes()
	}
	threads := 1
	for _, p := range plans {
		threads = max(threads, p.threads)
	}
	group, ctx := errgroup.WithContext(ctx)
	// One worker more than threads: while one waits for the disk the others compute.
	for range threads + 1 {
		group.Go(func() error {
			var b buffers
			for {
				if err := ctx.Err(); err != nil {
					return err
				}
				runtime.Gosched() // chunks end in their order, more or less: who follows the file waits for the first of them
				c, ok := queue.next()
				if !ok {
					return nil
				}
				read, err := b.convert(c)
				if err != nil {
					return err
				}
				if n := done.Add(read); progress != nil {
					progress(n, total)
				}
			}
		})
	}
	return group.Wait()
}
