package page

import (
	"math"

	"github.com/carat-llm/carat/eval/report"
)

// track is a bar in per cent of its width: what is acceptable, the interval, the value and the limit.
type track struct {
	OK, OKWidth       float64
	Low, Width        float64
	Interval          bool
	Dot, Limit        float64
	Fill              float64
	Value             string
	LimitAt, HasLimit bool
}

// gateTrack shows where value and interval are from the limit; nil for what was not measured or is infinitely far.
func gateTrack(x *report.Result) *track {
	if x.Verdict == report.Skipped || x.Infinite {
		return nil
	}
	low, high := x.Value, x.Value
	if x.Lower != nil && x.Upper != nil {
		low, high = min(low, *x.Lower), max(high, *x.Upper)
	}
	from, to := min(low, x.Limit), max(high, x.Limit)
	pad := 0.25 * (to - from)
	if pad == 0 {
		pad = math.Max(math.Abs(to)*0.1, 1e-9)
	}
	s := scale{from - pad, to + pad, 0, 100, false}
	t := &track{Low: s.at(low), Interval: high > low, Dot: s.at(x.Value), Limit: s.at(x.Limit)}
	t.Width = tenth(s.at(high) - t.Low)
	t.OKWidth = t.Limit
	if x.Op == ">=" {
		t.OK, t.OKWidth = t.Limit, tenth(100-t.Limit)
	}
	return t
}

// barTrack is a bar from zero with an interval on it.
func barTrack(v float64, ci [2]float64, most float64) *track {
	s := scale{0, most * 1.02, 0, 100, false}
	t := &track{Fill: s.at(v), Low: s.at(ci[0]), Interval: ci[1] > ci[0]}
	t.Width = tenth(s.at(ci[1]) - t.Low)
	return t
}
