package gate

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval"
	"github.com/carat-llm/carat/eval/latency"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/stats"
	"github.com/carat-llm/carat/eval/task"
)

// kind is where a metric comes from, which decides how it is judged.
type kind int

const (
	ofText  kind = iota // a figure over chunks, measured again at each look, by slices
	ofModel             // known exactly: sizes, findings
	ofTask              // of answers to items
	ofSpeed             // of a clock: judged only when the noise is known and small enough
)

// metric is something that gates bound.
type metric struct {
	name   string
	kind   kind
	higher bool // larger is better
	// absolute ones have no relative difference.
	absolute bool
	// limits of those that are not ofText; errNotMeasured where the candidate has none.
	limits func(s *subject) (stats.Limits, error)
	// clusters of those ofTask, for relative differences.
	clusters func(t *task.Result) []stats.Cluster
}

var errNotMeasured = errors.New("not measured")

// subject is a candidate in its report.
type subject struct {
	report *report.Report
	*report.Candidate
}

// higherFigures are the figures of eval that are better when larger.
var higherFigures = []string{"same_top", "top5", "delta_p.mean"}

// metrics lists all but those of tasks.
var metrics = slices.Concat(figures(), []metric{
	{name: "bytes", kind: ofModel, limits: exactly(func(s *subject) (float64, bool) { return float64(s.Bytes), s.Bytes > 0 })},
	{name: "bits_per_weight", kind: ofModel, limits: exactly(func(s *subject) (float64, bool) { return s.BitsPerWeight, s.BitsPerWeight > 0 })},
	{name: "effective_bits", kind: ofModel, higher: true, limits: exactly(func(s *subject) (float64, bool) { return deref(s.EffectiveBits) })},
	{name: "tensor.error.max", kind: ofModel, limits: exactly(largestError)},
	{name: "findings", kind: ofModel, absolute: true, limits: exactly(findings)},
	{name: "failure", kind: ofModel, absolute: true, limits: exactly(failure)},
	{name: "peak_memory", kind: ofModel, limits: exactly(func(s *subject) (float64, bool) {
		return float64(s.speed().PeakMemory), s.speed().PeakMemory > 0
	})},
	{name: "decode.tok_s", kind: ofSpeed, higher: true, limits: rate("tg")},
	{name: "prefill.tok_s", kind: ofSpeed, higher: true, limits: rate("pp")},
	{name: "ttft.p50", kind: ofSpeed, limits: moment("pp", func(t *latency.Test) *latency.Quantiles { return t.FirstToken }, p50)},
	{name: "ttft.p95", kind: ofSpeed, limits: moment("pp", func(t *latency.Test) *latency.Quantiles { return t.FirstToken }, p95)},
	{name: "itl.p50", kind: ofSpeed, limits: moment("tg", func(t *latency.Test) *latency.Quantiles { return t.InterToken }, p50)},
	{name: "itl.p95", kind: ofSpeed, limits: moment("tg", func(t *latency.Test) *latency.Quantiles { return t.InterToken }, p95)},
	{name: "itl.p99", kind: ofSpeed, limits: moment("tg", func(t *latency.Test) *latency.Quantiles { return t.InterToken }, p99)},
	{name: "load.warm", kind: ofSpeed, limits: around(func(s *subject) (float64, bool) {
		if l := s.speed().Load; l != nil {
			return l.Warm, l.Warm > 0
		}
		return 0, false
	})},
	{name: "energy.joules_per_token", kind: ofSpeed, limits: around(func(s *subject) (float64, bool) {
		if e := s.speed().Energy; e != nil {
			return e.JoulesPerToken, e.JoulesPerToken > 0
		}
		return 0, false
	})},
})

// taskMetrics stand behind "task.NAME.".
var taskMetrics = []metric{
	{name: "score", kind: ofTask, higher: true, clusters: answers("r")},
	{name: "flip_rate", kind: ofTask, clusters: flips(true)},
	{name: "right_to_wrong", kind: ofTask, clusters: flips(false)},
}

// Metrics lists the names that gates may use; NAME stands for a task's.
func Metrics() []string {
	var out []string
	for _, m := range metrics {
		out = append(out, m.name)
	}
	for _, m := range taskMetrics {
		out = append(out, "task.NAME."+m.name)
	}
	return out
}

func metricsHelp() string { return "one of " + strings.Join(Metrics(), ", ") }

// metricOf finds a metric by name.
func metricOf(name string) (metric, bool) {
	if rest, ok := strings.CutPrefix(name, "task."); ok {
		i := strings.LastIndex(rest, ".")
		if i < 1 {
			return metric{}, false
		}
		for _, m := range taskMetrics {
			if m.name == rest[i+1:] {
				m.name = name
				m.limits = taskLimits(rest[:i], m.clusters)
				return m, true
			}
		}
		return metric{}, false
	}
	i := slices.IndexFunc(metrics, func(m metric) bool { return m.name == name })
	if i < 0 {
		return metric{}, false
	}
	return metrics[i], true
}

func figures() []metric {
	var out []metric
	for _, n := range eval.FigureNames() {
		out = append(out, metric{name: n, kind: ofText, higher: slices.Contains(higherFigures, n), absolute: n == "kld.max" || n == "delta_p.mean"})
	}
	return out
}

func deref(v *float64) (float64, bool) {
	if v == nil {
		return 0, false
	}
	return *v, true
}

func exactly(value func(s *subject) (float64, bool)) func(*subject) (stats.Limits, error) {
	return func(s *subject) (stats.Limits, error) {
		v, ok := value(s)
		if !ok {
			return nil, errNotMeasured
		}
		return stats.Exact(v), nil
	}
}

func largestError(s *subject) (largest float64, ok bool) {
	for _, t := range s.Tensors {
		if t.Error != nil {
			largest, ok = math.Max(largest, *t.Error), true
		}
	}
	return largest, ok
}

// findings counts those of level error that are about the candidate or about no model.
func findings(s *subject) (float64, bool) {
	n := 0
	for _, f := range s.report.Findings {
		if f.Level == report.Error && (f.Model == "" || f.Model == s.Name) {
			n++
		}
	}
	return float64(n), true
}

func failure(s *subject) (float64, bool) {
	if s.Failure != "" {
		return 1, true
	}
	return 0, true
}

// speed is never nil.
func (s *subject) speed() *latency.Result {
	if s.Latency == nil {
		return &latency.Result{}
	}
	return s.Latency
}

// noise is the spread of the A/A check; ok is false when there was none.
func (s *subject) noise() (spread float64, ok bool) {
	if n := s.speed().Noise; n != nil && n.Spread >= 0 {
		return n.Spread, true
	}
	return 0, false
}

// test is the first with a name such as pp512 and an empty cache, or else the first at any depth.
func (s *subject) test(prefix string) *latency.Test {
	var found *latency.Test
	for i := range s.speed().Tests {
		t := &s.speed().Tests[i]
		if strings.HasPrefix(t.Name, prefix) && !strings.Contains(t.Name, "+") && (found == nil || found.Depth > 0 && t.Depth == 0) {
			found = t
		}
	}
	return found
}

// rate is the median of the repetitions' tokens per second, with the exact limits of order statistics.
func rate(prefix string) func(s *subject) (stats.Limits, error) {
	return func(s *subject) (stats.Limits, error) {
		t := s.test(prefix)
		if t == nil || len(t.Samples) == 0 {
			return nil, errNotMeasured
		}
		return stats.Quantile{Sample: repetitions(t.Samples), P: 0.5}, nil
	}
}

func repetitions(v []float64) *stats.Sample {
	c := make([][]float32, len(v))
	for i, x := range v {
		c[i] = []float32{float32(x)}
	}
	return stats.NewSample(c)
}

func p50(q *latency.Quantiles) float64 { return q.P50 }
func p95(q *latency.Quantiles) float64 { return q.P95 }
func p99(q *latency.Quantiles) float64 { return q.P99 }

func moment(prefix string, of func(*latency.Test) *latency.Quantiles, p func(*latency.Quantiles) float64) func(*subject) (stats.Limits, error) {
	return around(func(s *subject) (float64, bool) {
		if t := s.test(prefix); t != nil && of(t) != nil {
			return p(of(t)), p(of(t)) > 0
		}
		return 0, false
	})
}

// around is a time that was measured without repetitions to tell its error from: it is known to the machine's noise.
func around(value func(s *subject) (float64, bool)) func(*subject) (stats.Limits, error) {
	return func(s *subject) (stats.Limits, error) {
		v, ok := value(s)
		if !ok {
			return nil, errNotMeasured
		}
		spread, _ := s.noise() // without it there is no judgement
		return band{v, v * spread}, nil
	}
}

// band is a value that is certain to a reach.
type band struct{ value, reach float64 }

func (b band) Estimate() float64     { return b.value }
func (b band) StdErr() float64       { return b.reach / 2 }
func (b band) Lower(float64) float64 { return b.value - b.reach }
func (b band) Upper(float64) float64 { return b.value + b.reach }
func (b band) PBelow(bound float64) float64 {
	return stats.Exact(b.value + b.reach).PBelow(bound)
}
func (b band) PAbove(bound float64) float64 {
	return stats.Exact(b.value - b.reach).PAbove(bound)
}

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
