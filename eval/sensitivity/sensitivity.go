// Package sensitivity measures how much a model's predictions suffer when one tensor is not what it was: the mean
// Kullback-Leibler divergence from the model as it is, over the tokens of a few chunks. Nothing else is changed, and only what comes behind the
// tensor is evaluated.
package sensitivity

import (
	"fmt"
	"sync"

	"github.com/carat-llm/carat/eval/softmax"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/elementary"
)

// Tape is a model that was evaluated over some chunks (runtime/model.Tape).
type Tape interface {
	Layers() int
	// Logits evaluates layers from number layer on over chunk i, -1 from the embeddings on, and fills dst, tokens x vocab.
	Logits(layer, i int, dst []float32) error
	SetWeights(tensor string, t gguf.Type, data []byte) error
	// Restore undoes SetWeights.
	Restore(tensor string) error
}

// Probe measures divergences from what a model was when the probe was made. It serves one caller at a time.
type Probe struct {
	tape   Tape
	chunks [][]int32
	vocab  int
	logits [][]float32 // of each chunk
	other  []float32
	exps   sync.Pool // of []float64, vocab long, which a token's divergence needs
	each   func(n int, f func(i int))
}

// New evaluates the model over the chunks of its tape. Each calls f for 0..n-1, from several goroutines if it can.
func New(tape Tape, chunks [][]int32, vocab int, each func(n int, f func(i int))) (*Probe, error) {
	p := &Probe{tape: tape, chunks: chunks, vocab: vocab, each: each}
	for i, ids := range chunks {
		logits := make([]float32, len(ids)*vocab)
		if err := tape.Logits(tape.Layers(), i, logits); err != nil {
			return nil, err
		}
		p.logits = append(p.logits, logits)
		if len(logits) > len(p.other) {
			p.other = make([]float32, len(logits))
		}
	}
	return p, nil
}

// Divergence is the mean divergence in nats when a tensor, which layer multiplies with, has other weights; then it has its own
// again.
func (p *Probe) Divergence(layer int, tensor string, t gguf.Type, data []byte) (float64, error) {
	if err := p.tape.SetWeights(tensor, t, data); err != nil {
		return 0, err
	}
	var sum float64
	tokens := 0
	for i, ids := range p.chunks {
		got := p.other[:len(ids)*p.vocab]
		if err := p.tape.Logits(layer, i, got); err != nil {
			return 0, err
		}
		divergences := make([]float64, len(ids))
		p.each(len(ids), func(t int) { divergences[t] = p.divergence(i, t, got[t*p.vocab:][:p.vocab]) })
		for _, d := range divergences {
			sum += d
		}
		tokens += len(ids)
	}
	if sum != sum {
		return 0, fmt.Errorf("%w: tensor %s: the model's predictions are not numbers", gguf.ErrInput, tensor)
	}
	return sum / float64(tokens), p.tape.Restore(tensor)
}

// divergence is that of logits q from those of token t of chunk i.
func (p *Probe) divergence(i, t int, q []float32) float64 {
	row := p.logits[i][t*p.vocab:][:p.vocab]
	top := row[softmax.Top(row)]
	buffer, ok := p.exps.Get().(*[]float64)
	if !ok {
		buffer = new([]float64)
		*buffer = make([]float64, p.vocab)
	}
	defer p.exps.Put(buffer)
	e := *buffer
	sum := softmax.Exp(e, row, top)
	lse := float64(top) + elementary.Log(sum)
	shift := softmax.LogSumExp(q, q[softmax.Top(q)]) - lse
	return max(0, softmax.Divergence(e, row, q, shift, 0)/sum)
}
