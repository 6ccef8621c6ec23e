package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/eval/job"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/task"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/urfave/cli/v2"
)

func tasksCommand() *cli.Command {
	return &cli.Command{
		Name:      "tasks",
		Usage:     "score a model on question sets",
		ArgsUsage: "MODEL",
		Description: `Scores equal those of llama-perplexity --hellaswag, --winogrande and --multiple-choice, and of lm-evaluation-harness
for the other tasks; --list shows tasks and file formats. With --reference both models answer the same items; the table
then shows flips right>wrong and wrong>right, and p of McNemar's exact test that accuracy is unchanged. Intervals are
Wilson's, 95 %. Files may be compressed (.gz, .bz2).

EXAMPLES:
   carat tasks smollm2-Q4_K_M.gguf --task hellaswag --data hellaswag_val_full.txt.bz2 --limit 400
   carat tasks q4.gguf --task arc-easy=arc_easy.jsonl --task winogrande=wg.csv --reference q8.gguf
   carat tasks smollm2-Q4_K_M.gguf --task gsm8k=test.jsonl --shots train5.jsonl --limit 100
   carat tasks --list`,
		Flags: append(group("TASKS",
			&cli.StringSliceFlag{Name: "task", Usage: "`NAME[=FILE]` task, and the file of its items"},
			&cli.StringSliceFlag{Name: "data", Usage: "`FILE` file of items for a --task without one, in order"},
			&cli.StringFlag{Name: "reference", Usage: "`MODEL` model to compare with"},
			&cli.IntFlag{Name: "limit", Usage: "`N` use at most N items of each file"},
			&cli.StringFlag{Name: "select", Value: string(task.SelectLlama), Usage: "`llama|first` which items --limit takes: llama-perplexity's random choice, or the first"},
			&cli.StringFlag{Name: "shots", Usage: "`FILE` worked examples to put before each item of gsm8k"},
			&cli.IntFlag{Name: "max-tokens", Value: task.DefaultMaxTokens, Usage: "`N` generate at most N tokens for an answer of gsm8k"},
			&cli.BoolFlag{Name: "list", Usage: "list tasks and file formats"}), slices.Concat(adapterFlags(), computeFlags(kernel.Exact), preFlag())...),
		Action: func(c *cli.Context) error {
			g, err := globals(c)
			if err != nil {
				return err
			}
			if c.Bool("list") {
				return listTasks(g)
			}
			args, err := positional(c, 1, "MODEL")
			if err != nil {
				return err
			}
			o := tasksOptions{model: args[0], reference: c.String("reference"), source: sourceOptions(c), Limit: c.Int("limit"), MaxTokens: c.Int("max-tokens"), Shots: c.String("shots")}
			if o.Tasks, err = taskFiles(c.StringSlice("task"), c.StringSlice("data")); err != nil {
				return err
			}
			if o.Adapters, err = adaptersOf(c); err != nil {
				return err
			}
			if o.Select, err = task.ParseSelection(c.String("select")); err != nil {
				return usagef("--select: %w", err)
			}
			if err := o.check(); err != nil {
				return err
			}
			return runTasks(c.Context, g, o)
		},
	}
}

// taskFile is a task and its file of items.
type taskFile struct {
	task.Task
	file string
}

type tasksOptions struct {
	model, reference string
	source           convert.Options
	Tasks            []taskFile
	Limit            int
	Select           task.Selection
	Shots            string
	MaxTokens        int
	Adapters         []convert.LoRA // of the model, not the reference
}

// taskFiles pairs --task NAME=FILE, and --task NAME with the --data FILE of the same rank.
func taskFiles(names, files []string) ([]taskFile, error) {
	if len(names) == 0 {
		return nil, hint.Wrap(usagef("tasks needs --task NAME=FILE, or --task NAME --data FILE"), "tasks: %s", strings.Join(taskNames(), ", "))
	}
	var out []taskFile
	for _, name := range names {
		name, file, given := strings.Cut(name, "=")
		t, ok := task.Lookup(name)
		if !ok {
			return nil, hint.Wrap(usagef("%s", suggest.Unknown("task", name, taskNames())), "tasks: %s", strings.Join(taskNames(), ", "))
		}
		if !given && len(files) > 0 {
			file, files = files[0], files[1:]
		}
		if file == "" {
			return nil, usagef("--task %s has no file of items: add --data FILE, or write --task %s=FILE", name, name)
		}
		out = append(out, taskFile{t, file})
	}
	if len(files) > 0 {
		return nil, usagef("--data %s has no --task", files[0])
	}
	return out, nil
}

func taskNames() []string {
	var names []string
	for _, t := range task.All() {
		names = append(names, t.Name)
	}
	return names
}

func (o tasksOptions) check() error {
	if o.Limit < 0 {
		return usagef("--limit must not be negative (got %d)", o.Limit)
	}
	if o.MaxTokens < 1 || o.MaxTokens > 1<<16 {
		return outOfRange("--max-tokens", 1, 1<<16, o.MaxTokens)
	}
	for _, t := range o.Tasks {
		if o.Shots != "" && t.TakesShots() {
			return nil
		}
	}
	if o.Shots != "" {
		return usagef("--shots needs --task gsm8k")
	}
	return nil
}

// taskScores is tasks' JSON.
type taskScores struct {
	Model     string `json:"model"`
	Reference string `json:"reference,omitempty"`
	report.Computation
	Tasks      []*task.Result `json:"tasks"`
	PeakMemory int64          `json:"peak_memory_bytes"`
}

func runTasks(ctx context.Context, g global, o tasksOptions) error {
	// All files are read first: a mistake in the last one should not cost the run of the others.
	items := make([]*task.Items, len(o.Tasks))
	shots := make([]*task.Items, len(o.Tasks))
	for i, t := range o.Tasks {
		var err error
		if items[i], err = task.Read(t.Task, t.file); err != nil {
			return err
		}
		if o.Shots != "" && t.TakesShots() {
			if shots[i], err = task.Read(t.Task, o.Shots); err != nil {
				return err
			}
		}
	}
	e, err := g.engine(o.model, o.source, engine.Options{Text: true}, o.Adapters...)
	if err != nil {
		return err
	}
	defer e.Close()
	opened := []gguf.Model{e.Source()}
	cand, err := job.TaskModel(e)
	if err != nil {
		return err
	}
	var ref *task.Model
	if o.reference != "" {
		e, err := g.engine(o.reference, o.source, engine.Options{Text: true})
		if err != nil {
			return err
		}
		defer e.Close()
		opened = append(opened, e.Source())
		if ref, err = job.TaskModel(e); err != nil {
			return err
		}
	}
	scores := &taskScores{Model: o.model, Reference: o.reference, Computation: g.computing.record()}
	for i, t := range o.Tasks {
		b := newBar(g, t.Name)
		r, runErr := task.Run(ctx, t.Task, items[i], *cand, ref, task.Options{
			Limit: o.Limit, Select: o.Select, Shots: shots[i], MaxTokens: o.MaxTokens,
			// In bytes of items, as every bar of carat counts bytes.
			Progress: func(done, all int, _ float64) { b.update(items[i].Bytes*int64(done)/int64(all), items[i].Bytes) },
		})
		b.finish()
		if r != nil {
			scores.Tasks = append(scores.Tasks, r)
		}
		if errors.Is(runErr, context.Canceled) && len(scores.Tasks) > 0 {
			err = &interruption{"interrupted in " + t.Name, "the figures cover the items done so far"}
			break
		}
		if runErr != nil {
			return runErr
		}
	}
	if err := gguf.Unchanged(opened...); err != nil {
		return err
	}
	scores.PeakMemory = bench.PeakMemory()
	if g.json {
		return errors.Join(err, printJSON(g.out, scores))
	}
	if !g.quiet {
		scores.print(g.out)
	}
	return err
}
