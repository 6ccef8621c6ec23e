package parity

import (
	"fmt"
	"math"
	"slices"

	"github.com/carat-llm/carat/eval/figure"
)

// Result is what llama.cpp makes of a file.
type Result struct {
	Version string `json:"version,omitempty"` // of llama.cpp
	// Chunks of the first text that both have scored.
	Chunks          int     `json:"chunks,omitempty"`
	Perplexity      float64 `json:"perplexity,omitempty"`       // in llama.cpp, over these
	CaratPerplexity float64 `json:"carat_perplexity,omitempty"` // in carat
	// Difference is the distance of the quotient of both from 1; nil where there is none.
	Difference *float64 `json:"difference,omitempty"`
	// Refused is what llama.cpp says when it does not load or evaluate the file: an infinite difference.
	Refused string `json:"refused,omitempty"`
	// Unmeasured says why there is no answer: there is no program, or it took too long.
	Unmeasured string `json:"unmeasured,omitempty"`
}

// Answer is what the program says, before it is compared: what is common to all results, and its estimates.
type Answer struct {
	Result
	estimates
	asked int // chunks
}

// None is the answer when there is no program.
func None(why error) *Answer { return &Answer{Result: Result{Unmeasured: why.Error()}} }

// Against compares with carat's chunks, of which those of the slice 0 are of the same text. As many count as both have.
// The result is nil for nil.
func (a *Answer) Against(chunks []figure.ChunkStats) *Result {
	if a == nil {
		return nil
	}
	if a.Refused != "" || a.Unmeasured != "" {
		return &a.Result
	}
	own := slices.DeleteFunc(slices.Clone(chunks), func(c figure.ChunkStats) bool { return c.Slice != 0 })
	n := min(a.asked, len(own))
	v, ok := a.after(n, a.asked)
	for n > 0 && !ok {
		n--
		v, ok = a.after(n, a.asked)
	}
	switch {
	case !ok:
		return &Result{Version: a.Version, Unmeasured: "there is no chunk that both scored"}
	case math.IsNaN(v), math.IsInf(v, 0), v <= 0:
		return &Result{Version: a.Version, Refused: fmt.Sprintf("the perplexity there is %v", v)}
	}
	var nll, tokens float64
	for i := range own[:n] {
		nll += own[i].NLL
		tokens += float64(own[i].Tokens)
	}
	out := Result{Version: a.Version, Chunks: n, Perplexity: v}
	out.CaratPerplexity = math.Exp(nll / tokens)
	d := math.Abs(out.Perplexity/out.CaratPerplexity - 1)
	out.Difference = &d
	return &out
}
