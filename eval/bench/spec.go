package bench

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
)

// Spec says what one test times: Prompt tokens, then Generate tokens one by one, on a KV cache that holds Depth tokens.
// One of Prompt and Generate may be 0. The prompt is evaluated Batch tokens a call, all in one when it is 0.
type Spec struct{ Prompt, Generate, Depth, Batch int }

// Name is llama-bench's: "pp512", "tg128", "pp512+tg128", with "@b64" for a batch and "@d1024" for a depth.
func (s Spec) Name() string {
	var name string
	switch {
	case s.Generate == 0:
		name = fmt.Sprintf("pp%d", s.Prompt)
	case s.Prompt == 0:
		name = fmt.Sprintf("tg%d", s.Generate)
	default:
		name = fmt.Sprintf("pp%d+tg%d", s.Prompt, s.Generate)
	}
	if s.Batch > 0 {
		name += fmt.Sprintf("@b%d", s.Batch)
	}
	if s.Depth > 0 {
		name += fmt.Sprintf("@d%d", s.Depth)
	}
	return name
}

// Tokens is the number of tokens timed.
func (s Spec) Tokens() int { return s.Prompt + s.Generate }

// Room is the number of tokens that a session must hold.
func (s Spec) Room() int { return s.Depth + s.Tokens() }

// maxTokens bounds each count, so that sums cannot overflow.
const maxTokens = 1 << 24

func (s Spec) check() error {
	for _, n := range []int{s.Prompt, s.Generate, s.Depth, s.Batch} {
		if n < 0 || n > maxTokens {
			return fmt.Errorf("%w: a test of %d tokens of prompt, %d at once, and %d of decoding at depth %d: each must be between 0 and 2^24", gguf.ErrInput, s.Prompt, s.Batch, s.Generate, s.Depth)
		}
	}
	if s.Tokens() == 0 {
		return fmt.Errorf("%w: the test has no tokens", gguf.ErrInput)
	}
	return nil
}

// Grid is lists of what to combine. Counts of 0 are left out; no depths means an empty cache, no batches that prompts are
// evaluated in one call.
type Grid struct {
	Prompts, Generate []int
	Pairs             []Spec // prompts followed by decoding
	Depths, Batches   []int
}

// Specs lists all combinations, depth by depth: prompts, batch by batch, then decoding, then pairs.
func (g Grid) Specs() []Spec {
	var out []Spec
	add := func(s Spec) {
		if s.Tokens() > 0 {
			out = append(out, s)
		}
	}
	batches := orZero(g.Batches)
	for _, d := range orZero(g.Depths) {
		for _, p := range g.Prompts {
			for _, b := range batches {
				add(Spec{Prompt: p, Depth: d, Batch: b})
			}
		}
		for _, n := range g.Generate {
			add(Spec{Generate: n, Depth: d})
		}
		for _, s := range g.Pairs {
			for _, b := range batches {
				add(Spec{Prompt: s.Prompt, Generate: s.Generate, Depth: d, Batch: b})
			}
		}
	}
	return out
}

func orZero(n []int) []int {
	if len(n) == 0 {
		return []int{0}
	}
	return n
}
