package quantize

import (
	"fmt"
	"slices"
	"sync"

	"github.com/carat-llm/carat/gguf"
)

const (
	// chunkElements bounds what a worker reads at a time, but it is at least one step.
	chunkElements = 1 << 18
	// stepElements are decoded at a time, or a little more: 64 kB of float32, which stay in a cache until they are encoded.
	stepElements = 1 << 14
	// laneElements is a multiple of what encoders take in the lanes of a vector: 16 blocks of 256. What is left of rows that
	// are no multiple they encode more slowly.
	laneElements = 16 * 256
	// laneRows is the number of rows that some encoders take in lanes when there are weights.
	laneRows = 16
)

// job is a tensor of the source and what becomes of it in the files that are written.
type job struct {
	src      gguf.Tensor
	in       gguf.TensorInfo // of src
	variants []variant
	step     int64 // rows that are decoded and encoded at a time
}

// variant is one encoding of a tensor, written to the slots that want it.
type variant struct {
	*Target // the first one that wants it
	slots   []slot
}

// slot is a tensor of a file that is written.
type slot struct {
	file  *gguf.Writer
	index int // of the tensor in it
}

// jobs lists the source's tensors that plans want, in the first plan's order and then in that of the others.
func jobs(plans []*Plan, writers []*gguf.Writer) []*job {
	var list []*job
	byName := map[string]*job{}
	for i, p := range plans {
		for n := range p.Tensors {
			t := &p.Tensors[n]
			name := t.sourceName
			if t.given { // to this plan alone
				name = fmt.Sprint(i, " ", name)
			}
			j := byName[name]
			if j == nil {
				j = &job{src: t.src, in: t.src.Info()}
				byName[name] = j
				list = append(list, j)
			}
			j.add(t, slot{writers[i], n})
		}
	}
	for _, j := range list {
		j.step = stepRows(j.in.Cols(), j.weighted())
	}
	return list
}

// stepRows is the number of rows of a step.
func stepRows(cols int64, weighted bool) int64 {
	whole := laneElements / gcd(laneElements, cols)
	if weighted {
		whole = max(whole, laneRows) // both are powers of two
	}
	for whole > 1 && whole*cols > chunkElements {
		whole /= 2
	}
	return whole * max(1, (stepElements+whole*cols-1)/(whole*cols))
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// add gives s to the variant that has the bytes of t, or to a new one.
func (j *job) add(t *Target, s slot) {
	for i := range j.variants {
		// Weights make no difference where nothing is encoded; then there are none.
		if v := &j.variants[i]; v.Type == t.Type && slices.Equal(v.weights, t.weights) {
			v.slots = append(v.slots, s)
			return
		}
	}
	j.variants = append(j.variants, variant{t, []slot{s}})
}

// weighted is true when the columns' importance differs between experts.
func (j *job) weighted() bool {
	return slices.ContainsFunc(j.variants, func(v variant) bool { return v.weights != nil })
}

// copied is true when the tensor is written only as it is.
func (j *job) copied() bool {
	return !slices.ContainsFunc(j.variants, func(v variant) bool { return v.Type != j.in.Type })
}

// chunk is some rows of a job.
type chunk struct {
	*job
	row, end int64
}

// chunks hands out the work from front to back.
type chunks struct {
	mu   sync.Mutex
	jobs []*job
	row  int64
}

func (q *chunks) next() (chunk, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.jobs) == 0 {
		return chunk{}, false
	}
	j := q.jobs[0]
	n := max(1, chunkElements/j.in.Cols()/j.step) * j.step
	end := min(q.row+n, j.in.Rows())
	if len(j.in.Shape) > 2 && j.weighted() {
		// Each expert has weights of its own: a chunk stays within one.
		end = min(end, (q.row/j.in.Shape[1]+1)*j.in.Shape[1])
	}
	c := chunk{j, q.row, end}
	if q.row = end; end == j.in.Rows() {
		q.jobs, q.row = q.jobs[1:], 0
	}
	return c, true
}
