package page

import (
	"fmt"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
)

// inLlama says what llama.cpp makes of the candidate's file: "in llama.cpp 0.5.0: perplexity 70.8098 over 4 chunks, here
// 70.8707, 0.09 % apart"; "" when it was not asked.
func inLlama(c *report.Candidate) string {
	p := c.Parity
	if p == nil {
		return ""
	}
	s := "in llama.cpp"
	if p.Version != "" {
		s += " " + clean(p.Version)
	}
	switch {
	case p.Refused != "":
		return s + ": refused: " + clean(p.Refused)
	case p.Unmeasured != "":
		return s + ": not measured: " + clean(p.Unmeasured)
	case p.Difference == nil:
		return ""
	}
	return fmt.Sprintf("%s: perplexity %s over %s, here %s, %s apart", s, show("ppl", p.Perplexity), count(p.Chunks, "chunk"), show("ppl", p.CaratPerplexity), figure.Percent(*p.Difference))
}
