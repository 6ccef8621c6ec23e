package imatrix

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"

	"github.com/carat-llm/carat/gguf"
)

// Session is what collecting needs of runtime/model: one sequence that shows the activations that its
// weights are about to meet.
type Session interface {
	Reset()
	// Forward appends ids and fills logits, (len(ids)-from) x vocab, for ids[from:].
	Forward(ids []int32, from int, logits []float32) error
	// Observe makes Forward call f before each product with a weight tensor: x holds rows of cols activations.
	Observe(f func(tensor string, expert, experts int, x []float32, cols int))
}

// Options say how Collect works.
type Options struct {
	Dataset string // the text's name, as it enters the file
	SHA256  string // the text's, as it enters the file; "" for none
	// Output also collects for output.weight, which needs the logits of every token; Vocab is their number.
	Output  bool
	Vocab   int
	Threads int // goroutines that add up; 1 when 0. The sums do not depend on it
	// Start is a matrix of the first Start.Chunks chunks, to go on from; it is changed. nil starts at none.
	Start *Matrix
	// Save, if not nil, is called every SaveEvery chunks and on interruption, with what there is so far.
	Save      func(m *Matrix) error
	SaveEvery int
	// Progress, if not nil, is called after each chunk.
	Progress func(chunk, chunks int)
}

// outputRows is how many rows of logits are in memory at a time.
const outputRows = 128

// Collect runs the session over each chunk, from its beginning, and adds up the squared activations of the
// weights of all blocks. The chunks have one length. Sums are float64 in the order of the tokens, so the same
// chunks give the same matrix whatever the number of threads, and after an interruption.
// An activation that is not finite ends it with an error that wraps gguf.ErrInput and names tensor and chunk.
func Collect(ctx context.Context, s Session, chunks [][]int32, o Options) (*Matrix, error) {
	m := o.Start
	if m == nil {
		m = &Matrix{entries: map[string]entry{}}
	}
	if m.Chunks > len(chunks) {
		return nil, fmt.Errorf("%w: %d chunks are already done, but only %d are asked for", gguf.ErrInput, m.Chunks, len(chunks))
	}
	if len(chunks) == 0 {
		return nil, fmt.Errorf("%w: the text has no chunk to collect from", gguf.ErrInput)
	}
	m.Datasets, m.ChunkSize = []string{o.Dataset}, len(chunks[0])
	m.SHA256 = nil
	if o.SHA256 != "" {
		m.SHA256 = []string{o.SHA256}
	}
	c := &collector{m: m, threads: max(1, o.Threads)}
	s.Observe(func(tensor string, expert, experts int, x []float32, cols int) {
		if strings.HasPrefix(tensor, "blk.") || o.Output && tensor == "output.weight" {
			c.add(tensor, expert, experts, x, cols)
		}
	})
	defer s.Observe(nil)
	var logits []float32
	if o.Output {
		logits = make([]float32, outputRows*o.Vocab)
	}
	unsaved := false
	save := func() error {
		if o.Save == nil || !unsaved {
			return nil
		}
		unsaved = false
		return o.Save(m)
	}
	for m.Chunks < len(chunks) {
		if err := ctx.Err(); err != nil {
			if err := save(); err != nil {
				return nil, err
			}
			return nil, err
		}
		if err := forward(s, chunks[m.Chunks], logits); err != nil {
			return nil, err
		}
		if c.err != nil {
			return nil, fmt.Errorf("chunk %d: %w", m.Chunks+1, c.err)
		}
		m.Chunks++
		unsaved = true
		if o.Progress != nil {
			o.Progress(m.Chunks, len(chunks))
		}
		if o.SaveEvery > 0 && m.Chunks%o.SaveEvery == 0 && m.Chunks < len(chunks) {
			if err := save(); err != nil {
				return nil, err
			}
		}
	}
	if len(m.entries) == 0 {
		return nil, fmt.Errorf("%w: the model has no weight matrices to collect for", gguf.ErrInput)
	}
	return m, nil
}

// forward evaluates a chunk, with the logits of every token when there is room for some.
func forward(s Session, ids []int32, logits []float32) error {
	s.Reset()
	if logits == nil {
		return s.Forward(ids, len(ids), nil)
	}
	for len(ids) > 0 {
		n := min(outputRows, len(ids))
		if err := s.Forward(ids[:n], 0, logits); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// collector adds activations to a matrix. The first error stays.
type collector struct {
	m       *Matrix
	threads int
	err     error
}

// add adds the squares of x, rows of cols activations that meet matrix expert of experts of tensor name. Experts see
// different numbers of tokens and are counted apart. Other stacked matrices are those of an attention's heads, which see
// all: like llama-imatrix they have one count.
func (c *collector) add(name string, expert, experts int, x []float32, cols int) {
	if c.err != nil {
		return
	}
	e, ok := c.m.entries[name]
	counts := experts
	if !strings.HasSuffix(name, "exps.weight") {
		counts = 1
	}
	if !ok {
		e = entry{make([]float64, cols*experts), make([]float64, counts)}
		c.m.entries[name] = e
	}
	if len(e.counts) != counts || len(e.sums) != cols*experts {
		c.err = fmt.Errorf("%w: tensor %s has %d columns of %d experts, but had %d of %d before", gguf.ErrInput, name, cols, experts, e.cols(), len(e.counts))
		return
	}
	sums := e.sums[expert*cols : (expert+1)*cols]
	addSquares(sums, x, c.threads)
	if expert < counts {
		e.counts[expert] += float64(len(x) / cols)
	}
	for i, v := range sums {
		// float32 squared and added 2^52 times cannot overflow, so this was in the activations.
		if math.IsNaN(v) || math.IsInf(v, 0) {
			c.err = fmt.Errorf("%w: tensor %s: the activation of column %d is not finite: the model's weights or metadata are broken", gguf.ErrInput, name, i)
			return
		}
	}
}

// smallest is the number of columns that is worth a goroutine.
const smallest = 128

// addSquares adds the squares of each row of x to sums. Threads share the columns, never the rows: each sum
// has the order of the rows. A square of float32 is exact in float64, so fusing does not change it.
func addSquares(sums []float64, x []float32, threads int) {
	cols := len(sums)
	if threads = min(threads, cols/smallest); threads < 2 {
		addColumns(sums, x, 0, cols)
		return
	}
	var wg sync.WaitGroup
	for t := range threads {
		wg.Go(func() { addColumns(sums, x, cols*t/threads, cols*(t+1)/threads) })
	}
	wg.Wait()
}

func addColumns(sums []float64, x []float32, first, end int) {
	part := sums[first:end]
	for ; len(x) > 0; x = x[len(sums):] {
		for i, v := range x[first:end] {
			part[i] += float64(v) * float64(v)
		}
	}
}
