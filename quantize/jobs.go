package quantize

import (
	"slices"
	"sync"

	"github.com/carat-llm/carat/gguf"
)

// chunkElements bounds what a worker holds: about 1 MiB of float32, but at least one row.
const chunkElements = 1 << 18

// job is a tensor of the source and what becomes of it in the files that are written.
type job struct {
	src      gguf.Tensor
	in       gguf.TensorInfo // of src
	variants []variant
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
			j := byName[t.sourceName]
			if j == nil {
				j = &job{src: t.src, in: t.src.Info()}
				byName[t.sourceName] = j
				list = append(list, j)
			}
			j.add(t, slot{writers[i], n})
		}
	}
	return list
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
	n := max(1, chunkElements/j.in.Cols())
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
