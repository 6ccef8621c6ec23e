package gate

import (
	"fmt"
	"math"

	"github.com/carat-llm/carat/eval/stats"
)

// parityMetric is how far perplexities in llama.cpp and in carat are apart.
const parityMetric = "parity.llama_cpp"

// apart is infinite for a file that llama.cpp refuses.
func apart(s *subject) (stats.Limits, error) {
	p := s.Parity
	switch {
	case s.Failure != "":
		return nil, fmt.Errorf("%w: the candidate is invalid", errNotMeasured)
	case p == nil:
		return nil, errNotMeasured
	case p.Refused != "":
		return stats.Exact(math.Inf(1)), nil
	case p.Unmeasured != "":
		return nil, fmt.Errorf("%w: %s", errNotMeasured, p.Unmeasured)
	case p.Difference == nil:
		return nil, errNotMeasured
	}
	return stats.Exact(*p.Difference), nil
}

// bothPerplexities is what the difference is of, or why there is none.
func bothPerplexities(s *subject) string {
	p := s.Parity
	switch {
	case p == nil:
		return ""
	case p.Refused != "":
		return "llama.cpp refuses the file: " + p.Refused
	}
	return fmt.Sprintf("perplexity %s in llama.cpp and %s in carat over %d chunks", number(p.Perplexity), number(p.CaratPerplexity), p.Chunks)
}
