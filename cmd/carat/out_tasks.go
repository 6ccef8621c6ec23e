package main

import (
	"fmt"
	"io"

	"github.com/carat-llm/carat/eval/task"
)

func (r *taskScores) print(out io.Writer) {
	t := newTable(out)
	head := []any{"task", "items", " score", "95 % interval", "normalized", "perplexity"}
	if r.Reference != "" {
		head = append(head, "reference", "right>wrong", "wrong>right", "     p")
	}
	t.row(head...)
	for _, x := range r.Tasks {
		row := []any{x.Task, fmt.Sprintf("%5d", x.Items), percent(&x.Score), fmt.Sprintf("%5.2f to %5.2f", 100*x.Score.Low, 100*x.Score.High),
			percent(x.Normalized), orNone(x.Perplexity, "%10.3f")}
		if x.Reference != nil {
			row = append(row, percent(x.Reference), fmt.Sprintf("%11d", x.Flips.RightToWrong), fmt.Sprintf("%11d", x.Flips.WrongToRight), fmt.Sprintf("%6.4f", x.Flips.P))
		}
		t.row(row...)
	}
	t.flush()
	fmt.Fprintln(out, "\nScores are the percentage of items answered correctly.")
}

func percent(a *task.Accuracy) string {
	if a == nil {
		return "-"
	}
	return fmt.Sprintf("%6.2f", 100*a.Value)
}

func orNone(v float64, format string) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf(format, v)
}

// taskAbout is a line of tasks --list.
type taskAbout struct {
	Task   string `json:"task"`
	About  string `json:"about"`
	Format string `json:"format"`
}

func listTasks(g global) error {
	var list []taskAbout
	for _, t := range task.All() {
		list = append(list, taskAbout{t.Name, t.About, t.Format})
	}
	if g.json {
		return printJSON(g.out, map[string]any{"tasks": list})
	}
	for _, x := range list {
		printf(g.out, "%-16s %s\n%16s %s\n", x.Task, x.About, "", x.Format)
	}
	fmt.Fprintln(g.out, "\nFiles may be compressed by gzip or bzip2.")
	return nil
}
