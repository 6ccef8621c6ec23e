package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/eval/stats"
	"github.com/carat-llm/carat/eval/task"
)

// questionSets are the tasks, and their files in corpora.
var questionSets = [][2]string{
	{"hellaswag", "hellaswag_val_full.txt.bz2"}, {"arc-easy", "arc_easy.jsonl"}, {"arc-challenge", "arc_challenge.jsonl"}, {"winogrande", "winogrande.jsonl"},
}

// tasks is the table of what files answer, and of what the original does.
func (s *setup) tasks(ctx context.Context, rows []row) (string, error) {
	var b strings.Builder
	b.WriteString("| at the bytes of | task | items | original | preset | ours | flips of the preset | our flips | p |\n|---|---|---:|---:|---:|---:|---:|---:|---:|\n")
	for _, r := range rows {
		f, err := s.files(ctx, r)
		if err != nil {
			return "", err
		}
		preset, err := s.answers(ctx, r, f.preset)
		if err != nil {
			return "", err
		}
		ours, err := s.answers(ctx, r, f.ours)
		if err != nil {
			return "", err
		}
		for i := range ours {
			line, err := taskLine(r.preset, preset[i], ours[i])
			if err != nil {
				return "", err
			}
			b.WriteString(line)
		}
	}
	fmt.Fprintf(&b, "\nAccuracy in per cent on %d items of each set (fewer where it has fewer), and the share of items on which a file and the original differ in being right. p is that of McNemar's exact test "+
		"that ours is as often right as the preset.\n", s.items)
	return b.String(), nil
}

// answers are those of a file and of the original, kept beside it.
func (s *setup) answers(ctx context.Context, r row, file string) ([]*task.Result, error) {
	path := strings.TrimSuffix(file, ".gguf") + ".tasks.json"
	b, err := os.ReadFile(path)
	if err != nil {
		args := []string{"tasks", file, "--reference", r.model, "--limit", strconv.Itoa(s.items), "--json"}
		for _, q := range questionSets {
			args = append(args, "--task", q[0]+"="+filepath.Join(s.corpora, q[1]))
		}
		if b, err = s.run(ctx, args...); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			return nil, err
		}
	}
	var out struct {
		Tasks []*task.Result `json:"tasks"`
	}
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(out.Tasks) != len(questionSets) {
		return nil, fmt.Errorf("%s has %d tasks, but %d are asked for: delete it, and they are answered again", path, len(out.Tasks), len(questionSets))
	}
	return out.Tasks, nil
}

// taskLine is a row of the table.
func taskLine(at string, preset, ours *task.Result) (string, error) {
	if len(preset.Answers) != len(ours.Answers) || ours.Flips == nil || preset.Flips == nil || ours.Reference == nil {
		return "", fmt.Errorf("%s: the files answered different items: delete their .tasks.json", ours.Task)
	}
	better, worse := 0, 0
	for i := range ours.Answers {
		switch p, o := preset.Answers[i], ours.Answers[i]; {
		case o == 'r' && p != 'r':
			better++
		case o != 'r' && p == 'r':
			worse++
		}
	}
	return fmt.Sprintf("| %s | %s | %d | %.1f | %.1f | %.1f | %.1f %% | %.1f %% | %.2f |\n", at, ours.Task, ours.Items, 100*ours.Reference.Value, 100*preset.Score.Value, 100*ours.Score.Value,
		100*preset.Flips.Rate, 100*ours.Flips.Rate, stats.McNemar(better, worse)), nil
}
