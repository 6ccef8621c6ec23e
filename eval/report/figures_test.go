package report

import (
	"testing"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/task"
	"github.com/stretchr/testify/require"
)

// TestTableOfFigures: every figure can be named, shown and told from the others.
func TestTableOfFigures(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range append(Figures, TaskFigures...) {
		require.False(t, seen[f.Name], "%s twice", f.Name)
		seen[f.Name] = true
		require.NotEmpty(t, f.Title, f.Name)
		require.NotEmpty(t, f.Unit, f.Name)
		require.NotEmpty(t, f.Format(0.5), f.Name)
		require.Equal(t, f.Kind == OfText, f.value == nil && f.counts == nil, f.Name)
	}
	for _, f := range figure.Table {
		require.Equal(t, f.Absolute || !f.Bounded(), !f.Comparable(), f.Name)
	}
}

// TestOldNames: what figures were called in places is still read.
func TestOldNames(t *testing.T) {
	for was, is := range map[string]string{
		"bpw": "bits_per_weight", "peak_memory_bytes": "peak_memory", "joules_per_token": "energy.joules_per_token",
		"task.arc-easy.flips": "task.arc-easy.flip_rate", "task.arc-easy.score": "task.arc-easy.score",
	} {
		f, ok := Named(was)
		require.True(t, ok, was)
		require.Equal(t, is, f.Name)
	}
	for _, no := range []string{"", "kld", "task.score", "task..score", "task.x.points"} {
		_, ok := Named(no)
		require.False(t, ok, no)
	}
	require.Equal(t, "0.1235", Show("figure.of.another.carat", 0.12345))
}

// TestFiguresOfACandidate: values are those of the report, and missing ones say so.
func TestFiguresOfACandidate(t *testing.T) {
	c := &Candidate{Model: Model{Bytes: 5}, Tasks: []task.Result{{Task: "t", Items: 4, Score: task.Accuracy{Value: 0.5, Low: 0.2, High: 0.8}, Flips: &task.Flips{RightToWrong: 1, Rate: 0.5}}}}
	s := &Subject{Report: &Report{Findings: []Finding{{Level: Error}, {Level: Warn}}}, Candidate: c}
	got := map[string]float64{}
	for _, f := range FiguresOf(c) {
		if v, err := f.Value(s); err == nil {
			got[f.Name] = v
		} else {
			require.ErrorIs(t, err, ErrNotMeasured)
		}
	}
	require.Equal(t, map[string]float64{"bytes": 5, "findings": 1, "failure": 0, "task.t.score": 0.5, "task.t.flip_rate": 0.5, "task.t.right_to_wrong": 0.25}, got)
	f, _ := Named("task.t.score")
	require.Equal(t, &figure.Interval{Low: 0.2, High: 0.8}, f.Interval(s))
}
