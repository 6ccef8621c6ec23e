package gate

import (
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/eval/figure"
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
	// note says more of a figure in the gate's message; may be nil.
	note func(s *subject) string
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
	{name: parityMetric, kind: ofModel, absolute: true, limits: apart, note: bothPerplexities},
	{name: "findings", kind: ofModel, absolute: true, limits: exactly(findings)},
	{name: "failure", kind: ofModel, absolute: true, limits: exactly(failure)},
	{name: "peak_memory", kind: ofModel, limits: exactly(func(s *subject) (float64, bool) {
		return float64(s.speed().PeakMemory), s.speed().PeakMemory > 0
	})},
	{name: "decode.tok_s", kind: ofSpeed, higher: true, limits: rate("tg")},
	{name: "prefill.tok_s", kind: ofSpeed, higher: true, limits: rate("pp")},
	{name: "ttft.p50", kind: ofSpeed, limits: moment("pp", func(t *bench.Test) *bench.Quantiles { return t.FirstToken }, p50)},
	{name: "ttft.p95", kind: ofSpeed, limits: moment("pp", func(t *bench.Test) *bench.Quantiles { return t.FirstToken }, p95)},
	{name: "itl.p50", kind: ofSpeed, limits: moment("tg", func(t *bench.Test) *bench.Quantiles { return t.InterToken }, p50)},
	{name: "itl.p95", kind: ofSpeed, limits: moment("tg", func(t *bench.Test) *bench.Quantiles { return t.InterToken }, p95)},
	{name: "itl.p99", kind: ofSpeed, limits: moment("tg", func(t *bench.Test) *bench.Quantiles { return t.InterToken }, p99)},
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
	for _, n := range figure.FigureNames() {
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
