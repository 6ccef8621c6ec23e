package logits

import (
	"fmt"
	"math"

	"github.com/carat-llm/carat/eval/softmax"
	"github.com/carat-llm/carat/internal/elementary"
)

// Chunk is a piece of text that is scored.
type Chunk struct {
	Slice int // of the text it is from, from 0
	// IDs are the tokens; those at First..len(IDs)-2 predict their successors and are scored.
	IDs   []int32
	First int
}

// Scored is the number of scored positions, one row each.
func (c Chunk) Scored() int { return len(c.IDs) - 1 - c.First }

// check refuses chunks that no model of vocab tokens scored.
func (c Chunk) check(vocab int) error {
	if c.Slice < 0 || c.Slice > math.MaxInt32 {
		return fmt.Errorf("has the invalid slice %d", c.Slice)
	}
	if c.First < 0 || c.Scored() < 1 {
		return fmt.Errorf("has %d tokens and is scored from position %d: nothing is scored", len(c.IDs), c.First)
	}
	for i, id := range c.IDs {
		if id < 0 || int(id) >= vocab {
			return fmt.Errorf("has token %d at position %d, outside the vocabulary of %d", id, i, vocab)
		}
	}
	return nil
}

// cursor walks the scored positions of chunks as rows come.
type cursor struct {
	chunks []Chunk
	chunk  int // the current one
	row    int // rows of it so far
}

// accept counts a row whose next token is target.
func (c *cursor) accept(target int32) error {
	if c.chunk == len(c.chunks) {
		return fmt.Errorf("a row after the last of %d chunks", len(c.chunks))
	}
	at := c.chunks[c.chunk]
	if c.row == at.Scored() {
		return fmt.Errorf("chunk %d: a row after its %d scored positions", c.chunk, at.Scored())
	}
	if want := at.IDs[at.First+c.row+1]; target != want {
		return fmt.Errorf("chunk %d: row %d is followed by token %d, but the chunk has token %d there", c.chunk, c.row, target, want)
	}
	c.row++
	return nil
}

// end moves on to the next chunk.
func (c *cursor) end() error {
	if c.chunk == len(c.chunks) || c.row != c.chunks[c.chunk].Scored() {
		return fmt.Errorf("chunk %d ends after %d rows: some of its positions are not scored", c.chunk, c.row)
	}
	c.chunk, c.row = c.chunk+1, 0
	return nil
}

// LogSumExp is log(sum(exp(logits))) in float64, shifted by the largest logit, and the place of that, the first of
// equals. It is not finite when a logit is NaN or +Inf, or all are -Inf.
func LogSumExp(logits []float32) (lse float64, top int) {
	top = softmax.Top(logits)
	return sumExp(logits[top], logits), top
}

// sumExp is the log of the sum of exp(v) over all parts, in which nothing is above shift; when it is -Inf, all are.
func sumExp(shift float32, parts ...[]float32) float64 {
	if math.IsInf(float64(shift), -1) {
		return float64(shift)
	}
	var sum float64
	for _, part := range parts {
		sum += softmax.Sum(part, shift)
	}
	return float64(shift) + elementary.Log(sum)
}

// checkLength refuses logits of another vocabulary.
func checkLength(logits []float32, vocab int) error {
	if len(logits) != vocab {
		return fmt.Errorf("%d logits for a vocabulary of %d", len(logits), vocab)
	}
	return nil
}

// checkSum refuses logits that no probabilities follow from, by their LogSumExp.
func checkSum(lse float64) error {
	if math.IsNaN(lse) || math.IsInf(lse, 0) {
		return fmt.Errorf("log(sum(exp(logits))) is %v: the model's weights or metadata are broken", lse)
	}
	return nil
}
