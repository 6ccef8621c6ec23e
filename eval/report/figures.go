package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/stats"
	"github.com/carat-llm/carat/eval/task"
)

// Kind is where a figure comes from, which decides how it is judged.
type Kind int

const (
	OfText  Kind = iota // over chunks, measured again at each look, by slices: the table of package figure
	OfModel             // known exactly: sizes, findings
	OfTask              // of answers to items
	OfSpeed             // of a clock: judged only when the noise is known and small enough
)

// Figure is one of a candidate: those of text, which package figure computes, and those that a report says outright.
type Figure struct {
	figure.Info
	Kind Kind
	// value of those that are not OfText; an error is ErrNotMeasured.
	value func(s *Subject) (float64, error)
	// limits of a value that is not exact; nil otherwise.
	limits func(s *Subject) (stats.Limits, error)
	// stated is what reports say of those OfTask; ok is false where they do not.
	stated func(t *task.Result) (v float64, ci *figure.Interval, ok bool)
	// note says more of the figure; may be nil.
	note func(s *Subject) string
	// counts of those OfTask: what is counted, item by item.
	counts func(t *task.Result) []stats.Cluster
	// counted is the task's result, of those OfTask.
	counted func(s *Subject) *task.Result
}

// ErrNotMeasured says that a report does not have a figure.
var ErrNotMeasured = errors.New("not measured")

// Subject is a candidate in its report.
type Subject struct {
	Report *Report
	*Candidate
}

// Figures lists all figures but those of tasks, which are in TaskFigures.
var Figures = slices.Concat(ofText(), modelFigures, speedFigures)

// TaskFigures stand behind "task.NAME.".
var TaskFigures = []Figure{
	{Info: figure.Info{Name: "score", Title: "accuracy", Unit: "share", Higher: true, History: true, Format: figure.Percent}, Kind: OfTask, counts: answers("r"), stated: score},
	{Info: figure.Info{Name: "flip_rate", Title: "items answered otherwise", Unit: "share", History: true, Format: figure.Percent}, Kind: OfTask, counts: flips(true), stated: flipRate},
	{Info: figure.Info{Name: "right_to_wrong", Title: "right to wrong", Unit: "share", Format: figure.Percent}, Kind: OfTask, counts: flips(false), stated: lostRate},
}

func ofText() (out []Figure) {
	for _, f := range figure.Table {
		out = append(out, Figure{Info: f.Info, Kind: OfText})
	}
	return out
}

// aliases are names that figures had in places.
var aliases = map[string]string{
	"bpw": "bits_per_weight", "peak_memory_bytes": "peak_memory", "joules_per_token": "energy.joules_per_token",
}

// Named finds a figure by its name, or by one that it had.
func Named(name string) (Figure, bool) {
	if now, ok := aliases[name]; ok {
		name = now
	}
	if rest, ok := strings.CutPrefix(name, "task."); ok {
		return taskFigure(rest)
	}
	i := slices.IndexFunc(Figures, func(f Figure) bool { return f.Name == name })
	if i < 0 {
		return Figure{}, false
	}
	return Figures[i], true
}

// taskFigure is that of "NAME.score"; "NAME.flips" was once the flip rate.
func taskFigure(rest string) (Figure, bool) {
	if name, ok := strings.CutSuffix(rest, ".flips"); ok {
		rest = name + ".flip_rate"
	}
	i := strings.LastIndex(rest, ".")
	if i < 1 {
		return Figure{}, false
	}
	for _, f := range TaskFigures {
		if f.Name == rest[i+1:] {
			return f.ofTask(rest[:i]), true
		}
	}
	return Figure{}, false
}

// Bounded lists the names that policies may bound; NAME stands for a task's.
func Bounded() (out []string) {
	for _, f := range Figures {
		if f.Kind != OfText || figure.Named(f.Name).Bounded() {
			out = append(out, f.Name)
		}
	}
	for _, f := range TaskFigures {
		out = append(out, "task.NAME."+f.Name)
	}
	return out
}

// FiguresOf lists those that are not OfText and that a candidate may have, its tasks' included.
func FiguresOf(c *Candidate) (out []Figure) {
	for i := range c.Tasks {
		for _, f := range TaskFigures {
			out = append(out, f.ofTask(c.Tasks[i].Task))
		}
	}
	for _, f := range Figures {
		if f.Kind != OfText {
			out = append(out, f)
		}
	}
	return out
}

// Show formats the value of a figure, or of one that this carat does not know.
func Show(name string, v float64) string {
	if f, ok := Named(name); ok && f.Format != nil {
		return f.Format(v)
	}
	return figure.General(v)
}

// Value is the figure, which is not OfText, as the report says it.
func (f *Figure) Value(s *Subject) (float64, error) { return f.value(s) }

// Limits are those of a figure that is not OfText.
func (f *Figure) Limits(s *Subject) (stats.Limits, error) {
	if f.limits != nil {
		return f.limits(s)
	}
	v, err := f.value(s)
	if err != nil {
		return nil, err
	}
	return stats.Exact(v), nil
}

// Interval is the interval that the report states beside the value, nil where there is none.
func (f *Figure) Interval(s *Subject) *figure.Interval {
	if f.counted == nil {
		return nil
	}
	_, ci, _ := f.stated(f.counted(s))
	return ci
}

// Note says more of the figure, or nothing.
func (f *Figure) Note(s *Subject) string {
	if f.note == nil {
		return ""
	}
	return f.note(s)
}

// known is a value that is there if ok.
func known(of func(s *Subject) (v float64, ok bool)) func(s *Subject) (float64, error) {
	return func(s *Subject) (float64, error) {
		v, ok := of(s)
		if !ok {
			return 0, ErrNotMeasured
		}
		return v, nil
	}
}

// Relative is the relative difference of two subjects in a figure that is not OfText, and whether they could be paired.
func (f *Figure) Relative(s, o *Subject) (l stats.Limits, paired bool, err error) {
	a, err := f.Limits(s)
	if err != nil {
		return nil, false, err
	}
	b, err := f.Limits(o)
	if err != nil {
		return nil, false, fmt.Errorf("the other side: %w", err)
	}
	x, y := a.Estimate(), b.Estimate()
	if !(x > 0) || !(y > 0) {
		return nil, false, fmt.Errorf("%w: a relative difference needs figures above 0", ErrNotMeasured)
	}
	d := x/y - 1
	switch a := a.(type) {
	case stats.Exact:
		return stats.Exact(d), false, nil
	case stats.Band:
		b := b.(stats.Band)
		return stats.Band{Value: d, Reach: (1 + d) * (a.Reach/a.Value + b.Reach/b.Value)}, false, nil
	case stats.Quantile:
		return stats.Scaled(stats.QuantileQuotient{A: a.Sample, B: b.(stats.Quantile).Sample, P: a.P}, 1, -1), false, nil
	case stats.Binomial:
		return f.relativeCounts(s, o)
	}
	return nil, false, errors.New("bug: limits without a relative difference")
}
