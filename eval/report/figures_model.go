package report

import (
	"fmt"
	"math"
	"strconv"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/internal/display"
)

var modelFigures = []Figure{
	{
		Info: figure.Info{Name: "bytes", Title: "size", Unit: "bytes", History: true, Format: display.Bytes[float64]}, Kind: OfModel,
		value: known(func(s *Subject) (float64, bool) { return float64(s.Bytes), s.Bytes > 0 }),
	},
	{
		Info: figure.Info{Name: "bits_per_weight", Title: "bits per weight", Unit: "bits", History: true, Format: figure.General}, Kind: OfModel,
		value: known(func(s *Subject) (float64, bool) { return s.BitsPerWeight, s.BitsPerWeight > 0 }),
	},
	{
		Info: figure.Info{Name: "effective_bits", Title: "effective bits per weight", Unit: "bits", Higher: true, History: true, Format: figure.General}, Kind: OfModel,
		value: known(func(s *Subject) (float64, bool) {
			if s.EffectiveBits == nil {
				return 0, false
			}
			return *s.EffectiveBits, true
		}),
	},
	{
		Info: figure.Info{Name: "tensor.error.max", Title: "largest error of a tensor", Unit: "share", Format: figure.General}, Kind: OfModel,
		value: known(largestError),
	},
	{
		Info: figure.Info{Name: Parity, Title: "distance from llama.cpp", Unit: "share", Absolute: true, Format: figure.General}, Kind: OfModel,
		value: parityDifference, note: parityNote,
	},
	{
		Info: figure.Info{Name: "findings", Title: "findings", Unit: "findings", Absolute: true, Format: figure.General}, Kind: OfModel,
		value: known(func(s *Subject) (float64, bool) { return s.findings(), true }),
	},
	{
		Info: figure.Info{Name: "failure", Title: "failure", Unit: "failures", Absolute: true, Format: figure.General}, Kind: OfModel,
		value: known(func(s *Subject) (float64, bool) {
			if s.Failure != "" {
				return 1, true
			}
			return 0, true
		}),
	},
}

func largestError(s *Subject) (largest float64, ok bool) {
	for _, t := range s.Tensors {
		if t.Error != nil {
			largest, ok = math.Max(largest, *t.Error), true
		}
	}
	return largest, ok
}

// findings counts those of level error that are about the candidate or about no model.
func (s *Subject) findings() float64 {
	n := 0
	for _, f := range s.Report.Findings {
		if f.Level == Error && (f.Model == "" || f.Model == s.Name) {
			n++
		}
	}
	return float64(n)
}

// Parity is how far perplexities in llama.cpp and in carat are apart.
const Parity = "parity.llama_cpp"

// parityDifference is infinite for a file that llama.cpp refuses.
func parityDifference(s *Subject) (float64, error) {
	p := s.Parity
	switch {
	case s.Failure != "":
		return 0, fmt.Errorf("%w: the candidate is invalid", ErrNotMeasured)
	case p == nil:
		return 0, ErrNotMeasured
	case p.Refused != "":
		return math.Inf(1), nil
	case p.Unmeasured != "":
		return 0, fmt.Errorf("%w: %s", ErrNotMeasured, p.Unmeasured)
	case p.Difference == nil:
		return 0, ErrNotMeasured
	}
	return *p.Difference, nil
}

// parityNote is what the difference is of, or why there is none.
func parityNote(s *Subject) string {
	p := s.Parity
	switch {
	case p == nil:
		return ""
	case p.Refused != "":
		return "llama.cpp refuses the file: " + p.Refused
	}
	return fmt.Sprintf("perplexity %s in llama.cpp and %s in carat over %d chunks", Number(p.Perplexity), Number(p.CaratPerplexity), p.Chunks)
}

// Number shows four digits, and whole numbers as they are.
func Number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	s := strconv.FormatFloat(v, 'g', 4, 64)
	if f, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(f) >= 1e-4 && math.Abs(f) < 1e15 {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return s
}
