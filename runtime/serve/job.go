package serve

import (
	"context"
	"strings"
	"sync"

	"github.com/carat-llm/carat/runtime/generate"
)

// job is one sequence to write.
type job struct {
	ctx    context.Context
	prompt []int32
	opts   generate.Options
	bias   map[int32]float32 // added to logits
	probs  bool              // probabilities of tokens are wanted
	top    int               // and those of so many likeliest tokens
	ready  chan struct{}     // of all jobs of a request, with room for one: something was written

	mu      sync.Mutex
	text    strings.Builder // what was written and not yet taken
	tokens  []tokenProbs
	written int
	cached  int // tokens of the prompt that the slot knew
	reason  generate.Reason
	err     error
	ended   bool
}

// tokenProbs is a token of the text and its probability.
type tokenProbs struct {
	generate.Probable
	best []generate.Probable
}

// part is what a job wrote since the last one.
type part struct {
	text   string
	tokens []tokenProbs
	ended  bool
	reason generate.Reason // in the end
	err    error
}

// add notes text and tokens.
func (j *job) add(text []byte, tokens ...tokenProbs) {
	j.mu.Lock()
	j.text.Write(text)
	j.tokens = append(j.tokens, tokens...)
	j.mu.Unlock()
}

// end notes why there will be no more, once.
func (j *job) end(reason generate.Reason, err error) {
	j.mu.Lock()
	if !j.ended {
		j.ended, j.reason, j.err = true, reason, err
	}
	j.mu.Unlock()
	j.wake()
}

func (j *job) wake() {
	select {
	case j.ready <- struct{}{}:
	default: // it is awake
	}
}

// take is what was written since the last call.
func (j *job) take() part {
	j.mu.Lock()
	defer j.mu.Unlock()
	p := part{j.text.String(), j.tokens, j.ended, j.reason, j.err}
	j.text.Reset()
	j.tokens = nil
	return p
}

// counts are the tokens of the prompt, of them those that were known, and those written.
func (j *job) counts() (prompt, cached, written int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.prompt), j.cached, j.written
}
