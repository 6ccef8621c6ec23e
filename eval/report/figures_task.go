package report

import (
	"fmt"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/stats"
	"github.com/carat-llm/carat/eval/task"
)

// Task finds a candidate's result.
func (c *Candidate) Task(name string) *task.Result {
	for i := range c.Tasks {
		if c.Tasks[i].Task == name {
			return &c.Tasks[i]
		}
	}
	return nil
}

// ofTask is f of the task of that name. Limits are exact: items are independent.
func (f Figure) ofTask(name string) Figure {
	f.Name = "task." + name + "." + f.Name
	counted := func(s *Subject) (b stats.Binomial, err error) {
		t := s.Task(name)
		if t == nil {
			return b, fmt.Errorf("%w: the report has no task %s", ErrNotMeasured, name)
		}
		for _, c := range f.counts(t) {
			b.K += c.Sum
			b.N += c.Weight
		}
		if b.N == 0 {
			return b, fmt.Errorf("%w: %s needs the reference's answers", ErrNotMeasured, name)
		}
		return b, nil
	}
	f.value = known(func(s *Subject) (float64, bool) {
		t := s.Task(name)
		if t == nil {
			return 0, false
		}
		v, _, ok := f.stated(t)
		return v, ok
	})
	f.limits = func(s *Subject) (stats.Limits, error) {
		b, err := counted(s)
		if err != nil {
			return nil, err
		}
		return b, nil
	}
	f.counted = func(s *Subject) *task.Result { return s.Task(name) }
	return f
}

// relativeCounts pairs items when both answered the same.
func (f *Figure) relativeCounts(s, o *Subject) (stats.Limits, bool, error) {
	x, y := f.counted(s), f.counted(o)
	a, b := f.counts(x), f.counts(y)
	paired := x.SHA256 == y.SHA256 && len(a) == len(b)
	var l stats.Student
	var ok bool
	if paired {
		l, ok = stats.LogQuotient(a, b)
	} else {
		l, ok = stats.LogQuotientUnpaired(stats.Ratio(a), stats.Ratio(b))
	}
	if !ok {
		return nil, false, ErrNotMeasured
	}
	return stats.Scaled(stats.Exp(l), 1, -1), paired, nil
}

func score(t *task.Result) (float64, *figure.Interval, bool) {
	return t.Score.Value, &figure.Interval{Low: t.Score.Low, High: t.Score.High}, true
}

func flipRate(t *task.Result) (float64, *figure.Interval, bool) {
	if t.Flips == nil {
		return 0, nil, false
	}
	return t.Flips.Rate, nil, true
}

func lostRate(t *task.Result) (float64, *figure.Interval, bool) {
	if t.Flips == nil || t.Items == 0 {
		return 0, nil, false
	}
	return float64(t.Flips.RightToWrong) / float64(t.Items), nil, true
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
