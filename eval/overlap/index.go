package overlap

import (
	"context"
	"fmt"
	"math"

	"github.com/carat-llm/carat/gguf"
)

// MaxWords is the longest evaluation text that is checked, some 200 MB of English: about 2 GB of memory.
const MaxWords = 1 << 25

// maxPlaces is how many places of a repeated n-gram are looked at for the longest passage.
const maxPlaces = 16

// index holds the n-grams of an evaluation text. N-gram i begins with word i.
type index struct {
	n      int
	starts []int32 // of words, in bytes
	ends   []int32
	last   map[uint64]int32 // of a hash, its last n-gram
	before []int32          // of an n-gram, the one before it with the same hash, or -1
}

func newIndex(t Text, n int) (*index, error) {
	if len(t.Data) > math.MaxInt32 {
		return nil, fmt.Errorf("%w: %s has %d bytes, but an evaluation text can have at most 2 GB: split it", gguf.ErrInput, t.Name, len(t.Data))
	}
	x := &index{n: n, last: map[uint64]int32{}}
	w := newWindow(n)
	for word := range words(t.Data) {
		if len(x.starts) == MaxWords {
			return nil, fmt.Errorf("%w: %s has more than %d words, the most that can be checked: split it", gguf.ErrInput, t.Name, MaxWords)
		}
		x.starts, x.ends = append(x.starts, int32(word.start)), append(x.ends, int32(word.end))
		hash, ok := w.add(word.hash)
		if !ok {
			continue
		}
		i := int32(len(x.before))
		last, ok := x.last[hash]
		if !ok {
			last = -1
		}
		x.before = append(x.before, last)
		x.last[hash] = i
	}
	return x, nil
}

// match is what a calibration text shares with an index.
type match struct {
	found []bool // n-grams
	// The longest run of n-grams that follow each other in both texts: its length, and its last n-gram in each.
	longest, evaluation, calibration int
}

// every is how many words pass between looks at the context.
const every = 1 << 16

// match walks through a calibration text.
func (x *index) match(ctx context.Context, text string) (*match, error) {
	m := &match{found: make([]bool, len(x.before))}
	// Of an n-gram of the index: the last n-gram of text that was the same, from 1, and the length of the run there.
	at, run := make([]int64, len(x.before)), make([]int32, len(x.before))
	w := newWindow(x.n)
	j := int64(0)
	for word := range words(text) {
		if w.seen%every == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		hash, ok := w.add(word.hash)
		if !ok {
			continue
		}
		j++
		i, ok := x.last[hash]
		if !ok {
			continue
		}
		m.found[i] = true
		// From the last to the first, so that at[i-1] is still what it was before this n-gram.
		for places := 0; i >= 0 && places < maxPlaces; places++ {
			run[i] = 1
			if i > 0 && at[i-1] == j-1 {
				run[i] = run[i-1] + 1
			}
			at[i] = j
			if int(run[i]) > m.longest {
				m.longest, m.evaluation, m.calibration = int(run[i]), int(i), int(j-1)
			}
			i = x.before[i]
		}
	}
	// The last place of a hash stands for all.
	for _, last := range x.last {
		for i := last; m.found[last] && i >= 0; i = x.before[i] {
			m.found[i] = true
		}
	}
	return m, nil
}

// span is where words first..last of text are, in bytes.
func span(text string, first, last int) (start, end int) {
	i := 0
	for w := range words(text) {
		if i == first {
			start = w.start
		}
		if i == last {
			return start, w.end
		}
		i++
	}
	return start, len(text)
}
