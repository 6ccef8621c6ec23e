package task

import (
	"errors"

	"github.com/carat-llm/carat/internal/suggest"
)

// Selection says which items a limit takes.
type Selection string

// The selections.
const (
	SelectLlama Selection = "llama" // those that llama-perplexity draws, in its order
	SelectFirst Selection = "first" // the first
)

// ParseSelection reads a selection's name; empty is SelectLlama.
func ParseSelection(s string) (Selection, error) {
	switch Selection(s) {
	case "", SelectLlama:
		return SelectLlama, nil
	case SelectFirst:
		return SelectFirst, nil
	}
	return "", errors.New(suggest.OneOf("selection", s, []string{string(SelectLlama), string(SelectFirst)}))
}

// pick returns the numbers of the items to ask, in order; limit 0 means all.
func (t Task) pick(n, limit int, how Selection) []int {
	if limit > 0 && limit < n && how != SelectFirst {
		return t.draw(newMT19937(1), n, limit)
	}
	if limit == 0 || limit > n {
		limit = n
	}
	return upTo(limit)
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// drawErase draws as llama-perplexity does for HellaSwag: evenly from those that are left, which stay in order.
// The numbers are those of libstdc++'s uniform_int_distribution (since GCC 11): the upper half of a product, with
// rejection (Lemire, "Fast random integer generation in an interval", 2019).
func drawErase(r *mt19937, n, limit int) []int {
	left := upTo(n)
	out := make([]int, limit)
	for i := range out {
		span := uint32(len(left))
		product := uint64(r.next()) * uint64(span)
		if low := uint32(product); low < span {
			for threshold := -span % span; low < threshold; low = uint32(product) {
				product = uint64(r.next()) * uint64(span)
			}
		}
		j := int(product >> 32)
		out[i] = left[j]
		left = append(left[:j], left[j+1:]...)
	}
	return out
}

// drawSwap draws as llama-perplexity does for multiple choice: a fraction in float32 of those that are
// left, the last of which takes the place of the drawn one.
func drawSwap(r *mt19937, n, limit int) []int {
	left := upTo(n)
	out := make([]int, limit)
	for i := range out {
		fraction := float32(r.next()) * (1.0 / (1 << 32))
		j := min(int(fraction*float32(len(left))), len(left)-1)
		out[i] = left[j]
		left[j] = left[len(left)-1]
		left = left[:len(left)-1]
	}
	return out
}

// drawSwapButLast leaves out the last item, as llama-perplexity does for Winogrande: it takes the newline off the file's
// end, and then a line without one is lost.
func drawSwapButLast(r *mt19937, n, limit int) []int { return drawSwap(r, n-1, limit) }

// mt19937 is the Mersenne twister (Matsumoto and Nishimura, 1998) of 32 bits, as std::mt19937.
type mt19937 struct {
	state [624]uint32
	at    int
}

func newMT19937(seed uint32) *mt19937 {
	r := &mt19937{at: 624}
	r.state[0] = seed
	for i := 1; i < 624; i++ {
		prev := r.state[i-1]
		r.state[i] = 1812433253*(prev^prev>>30) + uint32(i)
	}
	return r
}

func (r *mt19937) next() uint32 {
	if r.at == len(r.state) {
		r.twist()
	}
	y := r.state[r.at]
	r.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (r *mt19937) twist() {
	const n, m = 624, 397
	for i := range n {
		y := r.state[i]&(1<<31) | r.state[(i+1)%n]&(1<<31-1)
		r.state[i] = r.state[(i+m)%n] ^ y>>1 ^ (y&1)*0x9908b0df
	}
	r.at = 0
}
