package latency

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
)

// Spec says what one test times: Prompt tokens in one call, then Generate tokens one by one, on a KV cache that holds
// Depth tokens. One of Prompt and Generate may be 0.
type Spec struct{ Prompt, Generate, Depth int }

// Name is llama-bench's: "pp512", "tg128", "pp512+tg128", with "@d1024" for a depth.
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
	for _, n := range []int{s.Prompt, s.Generate, s.Depth} {
		if n < 0 || n > maxTokens {
			return fmt.Errorf("%w: a test of %d tokens of prompt and %d of decoding at depth %d: each must be between 0 and 2^24", gguf.ErrInput, s.Prompt, s.Generate, s.Depth)
		}
	}
	if s.Tokens() == 0 {
		return fmt.Errorf("%w: the test has no tokens", gguf.ErrInput)
	}
	return nil
}

// Grid lists the tests of all combinations, depth by depth: prompts, then decoding, then pairs of both. Counts of 0
// are left out.
func Grid(prompts, generate []int, pairs []Spec, depths []int) []Spec {
	var out []Spec
	add := func(s Spec) {
		if s.Tokens() > 0 {
			out = append(out, s)
		}
	}
	for _, d := range depths {
		for _, p := range prompts {
			add(Spec{p, 0, d})
		}
		for _, n := range generate {
			add(Spec{0, n, d})
		}
		for _, s := range pairs {
			add(Spec{s.Prompt, s.Generate, d})
		}
	}
	return out
}
