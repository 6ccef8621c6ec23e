package task

import (
	"slices"
	"strings"
)

// Task is a kind of question: how its items are read and how they are scored.
type Task struct {
	Name   string
	About  string // one line
	Format string // of its files, one line

	// parse reads the items of a file; name is the file's, for messages.
	parse func(name string, data []byte) ([]Item, error)
	// binary says that files may be llama-perplexity's binary ones.
	binary bool
	// draw is llama-perplexity's choice of limit items of n.
	draw func(r *mt19937, n, limit int) []int
	// What a Result has beyond a score.
	normalized, perplexity bool
	// shots says that worked examples may stand before an item.
	shots bool
}

// tasks is the registry: a new task is a file and a line here.
var tasks = []Task{
	{Name: "hellaswag", About: "which of four endings continues a description", Format: hellaswagFormat,
		parse: parseHellaSwag, draw: drawErase, normalized: true},
	{Name: "winogrande", About: "which of two names fills the gap", Format: winograndeFormat,
		parse: parseWinogrande, draw: drawSwapButLast},
	{Name: "arc-easy", About: "science questions, the easy set", Format: multipleChoiceFormat,
		parse: parseMultipleChoice, binary: true, draw: drawSwap, normalized: true},
	{Name: "arc-challenge", About: "science questions, the challenge set", Format: multipleChoiceFormat,
		parse: parseMultipleChoice, binary: true, draw: drawSwap, normalized: true},
	{Name: "mmlu", About: "exam questions of many subjects", Format: multipleChoiceFormat,
		parse: parseMultipleChoice, binary: true, draw: drawSwap, normalized: true},
	{Name: "truthfulqa", About: "questions that invite a common error, one true answer", Format: multipleChoiceFormat,
		parse: parseMultipleChoice, binary: true, draw: drawSwap, normalized: true},
	{Name: "multiple-choice", About: "any questions with one right answer among several", Format: multipleChoiceFormat,
		parse: parseMultipleChoice, binary: true, draw: drawSwap, normalized: true},
	{Name: "lambada", About: "the last word of a passage", Format: lambadaFormat,
		parse: parseLambada, draw: drawSwap, perplexity: true},
	{Name: "gsm8k", About: "word problems, answered in full and judged by the last number", Format: gsm8kFormat,
		parse: parseGSM8K, draw: drawSwap, shots: true},
}

// All lists the tasks.
func All() []Task { return slices.Clone(tasks) }

// Lookup finds a task by its name; case, - and _ do not matter.
func Lookup(name string) (Task, bool) {
	plain := strings.NewReplacer("-", "", "_", "").Replace
	for _, t := range tasks {
		if strings.EqualFold(plain(t.Name), plain(name)) {
			return t, true
		}
	}
	return Task{}, false
}

// TakesShots reports whether worked examples (Options.Shots) may stand before the task's items.
func (t Task) TakesShots() bool { return t.shots }
