package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/task"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// TestRows: files are called by rows, and every row can be made.
func TestRows(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range allRows("m", pairs{{"tiny", "dir"}}) {
		require.Contains(t, groups, r.group)
		require.False(t, seen[r.name()] && r.group != "tasks", r.name())
		seen[r.name()] = true
		_, err := recipe.ParseFileType(r.preset)
		require.NoError(t, err)
	}
}

func TestVerdict(t *testing.T) {
	r := row{group: "bars", prefix: "model", preset: "Q4_K_M", calibration: "wikitext", home: "wikitext", inside: .60, outside: .50}
	d := map[string]difference{
		"wikitext": {.0447, .0137, -.69, -.66}, "stories": {.0343, .0128, -.63, -.51}, "arc": {.04, .02, -.5, -.50}, "code": {.04, .02, -.5, -.499},
	}
	require.Equal(t, "3 held; missed: code (50 %)", verdict(r, d))
	require.Equal(t, "| Q4_K_M | 105.5 MB | 105.4 MB | 0.0447 → 0.0137: -69 % (-66) | 0.0343 → 0.0128: -63 % (-51) | 0.0400 → 0.0200: -50 % (-50) | 0.0400 → 0.0200: -50 % (-50) | 3 held; missed: code (50 %) |\n",
		line(r, files{bytes: [2]int64{105_500_000, 105_400_000}}, d))
	d["code"] = difference{.04, .019, -.53, -.51}
	require.Equal(t, "held", verdict(r, d))
	d["wikitext"] = difference{.0447, .0137, -.69, -.59}
	require.Equal(t, "3 held; missed: wikitext (60 %)", verdict(r, d))
}

// TestDifferences: of a report's first two candidates, slice by slice.
func TestDifferences(t *testing.T) {
	rep, err := report.Read("../../eval/report/testdata/sample.json")
	require.NoError(t, err)
	d, err := differences(rep)
	require.NoError(t, err)
	require.Len(t, d, len(rep.Data))
	for i, text := range rep.Data {
		x := d[text.Name]
		require.InDelta(t, rep.Candidates[0].Slices[i].Metrics.Divergence.Mean, x.ours, 1e-12)
		require.InDelta(t, rep.Candidates[1].Slices[i].Metrics.Divergence.Mean, x.preset, 1e-12)
		require.InDelta(t, x.ours/x.preset-1, x.relative, 1e-9)
		require.Greater(t, x.upper, x.relative)
	}
}

func TestTexts(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	for _, name := range []string{"wikitext-2-raw-test.txt", "wikitext-2-train-slice.txt"} {
		write(name, name)
	}
	write("tinystories-sample.txt", "one\n\ntwo\n\nthree\n\nfour")
	write("arc_easy.jsonl", `{"query": "Question: Why?", "choices": ["a", "b"], "gold": 1}`+"\n")
	write("arc_challenge.jsonl", `{"query": "Question: How?", "choices": ["c", "d"], "gold": 2}`+"\n")
	_, err := makeTexts(dir, dir)
	require.ErrorContains(t, err, "the right answer is number 2 of 2")
	write("arc_challenge.jsonl", `{"query": "Question: How?", "choices": ["c", "d"], "gold": 0}`+"\n")
	made, err := makeTexts(dir, dir)
	require.NoError(t, err)
	read := func(name string) string {
		b, err := os.ReadFile(made[name])
		require.NoError(t, err, name)
		return string(b)
	}
	require.Equal(t, "Question: Why?\nAnswer: b\n\nQuestion: How?\nAnswer: c\n\n", read("arc"))
	require.Equal(t, "one\n\ntwo\n\nthree\n\nfour", read("stories")+read("calibrate stories"))
	require.NotEmpty(t, read("calibrate stories"))
	require.Contains(t, read("code"), "package main")
	require.Equal(t, "default", made.calibrating("default"))
	require.True(t, strings.HasSuffix(made.calibrating("wikitext"), "train-slice.txt"))
}

func TestTaskLine(t *testing.T) {
	a := func(s string) *task.Result {
		return &task.Result{Task: "hellaswag", Items: len(s), Answers: s, Score: task.Accuracy{Value: .5}, Reference: &task.Accuracy{Value: .6}, Flips: &task.Flips{Rate: .25}}
	}
	line, err := taskLine("Q4_K_M", a("rrwwrrrr"), a("rrrrrrrw"))
	require.NoError(t, err)
	require.Equal(t, "| Q4_K_M | hellaswag | 8 | 60.0 | 50.0 | 50.0 | 25.0 % | 25.0 % | 1.00 |\n", line)
	_, err = taskLine("Q4_K_M", a("rr"), a("r"))
	require.ErrorContains(t, err, "different items")
}

func TestReplaced(t *testing.T) {
	one, err := replaced("# Title\n", "bars", "x\n")
	require.NoError(t, err)
	two, err := replaced(one+"after\n", "bars", "y\n")
	require.NoError(t, err)
	require.Equal(t, strings.Replace(one, "x\n", "y\n", 1)+"after\n", two)
	_, err = replaced("<!-- quality bars: written by scripts/quality -->\n", "bars", "x")
	require.ErrorContains(t, err, "has no end")
}

func TestSameOptions(t *testing.T) {
	s := &setup{runner: runner{work: t.TempDir()}, model: "m", chunks: 20}
	require.NoError(t, s.same())
	require.NoError(t, s.same())
	s.chunks = 10
	require.ErrorContains(t, s.same(), "name another --work")
}

func TestPicture(t *testing.T) {
	s := picture("Q4 & others", []drawn{{"Q4_K_M", map[string]difference{"wikitext": {preset: .04, ours: .01}, "code": {preset: .05, ours: 0}}}})
	require.Contains(t, s, "<title>Q4 &amp; others</title>")
	require.Equal(t, 2*2+len(evaluation), strings.Count(s, "<circle"))
	require.NotContains(t, s, "NaN")
}
