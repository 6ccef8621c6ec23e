package model

// recurrent is the state of a layer in which the same numbers stand for all tokens, however many: it can go back to a copy that was
// saved, or to none.
type recurrent struct {
	now, saved  []float32
	tokens      int // that now stands for; midway while they change
	savedTokens int
}

// midway is the number of tokens of a state that is being changed, and stays that of one whose change was interrupted.
const midway = -1

func newRecurrent(numbers int) *recurrent {
	return &recurrent{now: make([]float32, numbers), saved: make([]float32, numbers)}
}

func (r *recurrent) Bytes() int64 { return 4 * int64(len(r.now)+len(r.saved)) }

func (r *recurrent) save() {
	copy(r.saved, r.now)
	r.savedTokens = r.tokens
}

func (r *recurrent) copyFrom(from state, _ int) {
	f := from.(*recurrent)
	copy(r.now, f.now)
	copy(r.saved, f.saved)
	r.tokens, r.savedTokens = f.tokens, f.savedTokens
}

func (r *recurrent) truncate(n int) int {
	if r.savedTokens > n { // other tokens will follow
		clear(r.saved)
		r.savedTokens = 0
	}
	if r.tokens == midway || r.tokens > n {
		copy(r.now, r.saved)
		r.tokens = r.savedTokens
	}
	return r.tokens
}

// begin says that tokens will be added to those of the state, whose number it returns, and end that they were.
func (r *recurrent) begin() int {
	tokens := r.tokens
	r.tokens = midway
	return tokens
}

func (r *recurrent) end(tokens int) { r.tokens = tokens }

// recurrentBytes is the memory of a recurrent state of so many numbers.
func recurrentBytes(numbers int) float64 { return 8 * float64(numbers) }
