package gate

import (
	"fmt"
	"strings"

	"github.com/carat-llm/carat/eval/stats"
	"github.com/carat-llm/carat/eval/task"
)

// task finds a candidate's result.
func (s *subject) task(name string) *task.Result {
	for i := range s.Tasks {
		if s.Tasks[i].Task == name {
			return &s.Tasks[i]
		}
	}
	return nil
}

// taskName is NAME of "task.NAME.score".
func taskName(metric string) string {
	name := strings.TrimPrefix(metric, "task.")
	return name[:strings.LastIndex(name, ".")]
}

// taskLimits are exact: items are independent.
func taskLimits(name string, clusters func(*task.Result) []stats.Cluster) func(s *subject) (stats.Limits, error) {
	return func(s *subject) (stats.Limits, error) {
		t := s.task(name)
		if t == nil {
			return nil, fmt.Errorf("%w: the report has no task %s", errNotMeasured, name)
		}
		var b stats.Binomial
		for _, c := range clusters(t) {
			b.K += c.Sum
			b.N += c.Weight
		}
		if b.N == 0 {
			return nil, fmt.Errorf("%w: %s needs the reference's answers", errNotMeasured, name)
		}
		return b, nil
	}
}

// answers counts an answer.
func answers(letter string) func(t *task.Result) []stats.Cluster {
	return func(t *task.Result) []stats.Cluster {
		return items(t.Answers, func(i int) bool { return t.Answers[i:i+1] == letter })
	}
}

// flips counts items that the reference has otherwise, both ways or right to wrong only.
func flips(both bool) func(t *task.Result) []stats.Cluster {
	return func(t *task.Result) []stats.Cluster {
		if len(t.ReferenceAnswers) != len(t.Answers) {
			return nil
		}
		return items(t.Answers, func(i int) bool {
			return t.Answers[i] != t.ReferenceAnswers[i] && (both || t.Answers[i] == 'w')
		})
	}
}

func items(answers string, yes func(i int) bool) []stats.Cluster {
	out := make([]stats.Cluster, len(answers))
	for i := range out {
		out[i].Weight = 1
		if yes(i) {
			out[i].Sum = 1
		}
	}
	return out
}
