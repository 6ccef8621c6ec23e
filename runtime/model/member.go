package model

// Tokens of several sequences are evaluated at once, so that each matrix is read once for all of them: short texts one behind the other
// in a session (EvaluateEach), or sessions of their own (Batch). Only mixers look from one token at another. They take the sequences one
// after the other, and nothing else sees where one ends.

// member is one of those sequences.
type member struct {
	*Session     // whose position it has
	end      int // the row behind its last one among those being evaluated
}

// of is the sequence of row, how many of the n rows being evaluated are of it from there on, and its state in place of own.
func (s *Session) of(row, n int, own state) (of *Session, rows int, held state) {
	for i, m := range s.members {
		if m.end > row {
			if all, ok := own.(states); ok {
				own = all[i]
			}
			return m.Session, m.end - row, own
		}
	}
	return s, n - row, own
}

// position is where row i of those being evaluated stands in its sequence.
func (s *Session) position(i int) int {
	first := 0
	for _, m := range s.members {
		if m.end > i {
			return m.done + i - first
		}
		first = m.end
	}
	return s.done + i
}

// states are those of one layer in each sequence of a batch, which stand for them where a layer is given its own.
type states []state

func (states) Bytes() int64        { return 0 } // they are the sequences'
func (states) truncate(n int) int  { return n }
func (states) save()               {}
func (states) copyFrom(state, int) {}

// mix is m.mix for all sequences. Attention parts its rows itself; other mixers are given one sequence at a time.
func (s *Session) mix(m mixer, dst, x []float32, n int, own state) {
	if _, parts := m.(*attention); parts || s.members == nil {
		m.mix(s, dst, x, n, own)
		return
	}
	members, done, ropes, biases := s.members, s.done, s.ropes, s.biases
	width := len(x) / n
	for row := 0; row < n; {
		of, rows, held := s.of(row, n, own)
		s.members, s.done, s.ropes, s.biases = nil, of.done, of.ropes, of.biases
		m.mix(s, dst[row*width:][:rows*width], x[row*width:][:rows*width], rows, held)
		s.members = members
		row += rows
	}
	s.done, s.ropes, s.biases = done, ropes, biases
}
