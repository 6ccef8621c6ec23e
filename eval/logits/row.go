package logits

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/carat-llm/carat/internal/elementary"
)

// Row is what is kept of a reference's prediction.
type Row struct {
	IDs  []int32   // the likeliest tokens, the likeliest first and of equals the lower id
	LogP []float32 // their log-probabilities
	// LogTail is the log of the probability of all other tokens together, -Inf when there are none.
	LogTail float64
	// TargetLogP is the log-probability of the token that follows in the text.
	TargetLogP float64
}

// keep makes a row of n tokens from a reference's logits, whose LogSumExp is lse.
func keep(logits []float32, lse float64, target int32, n int) Row {
	r := Row{IDs: likeliest(logits, n), LogP: make([]float32, n), TargetLogP: float64(logits[target]) - lse}
	for i, id := range r.IDs {
		r.LogP[i] = float32(float64(logits[id]) - lse)
	}
	r.LogTail = sumExp(logits[r.IDs[n-1]], r.rest(logits)...) - lse
	return r
}

// append encodes r as doc.go says.
func (r Row) append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, math.Float64bits(r.TargetLogP))
	b = le.AppendUint64(b, math.Float64bits(r.LogTail))
	for _, v := range r.LogP {
		b = le.AppendUint32(b, math.Float32bits(v))
	}
	for _, id := range r.IDs {
		b = le.AppendUint32(b, uint32(id))
	}
	return b
}

// decodeRow is the inverse of append: b holds a row of n tokens.
func decodeRow(b []byte, n int) Row {
	le := binary.LittleEndian
	r := Row{IDs: make([]int32, n), LogP: make([]float32, n)}
	r.TargetLogP, r.LogTail = math.Float64frombits(le.Uint64(b)), math.Float64frombits(le.Uint64(b[8:]))
	_, _ = binary.Decode(b[16:], le, r.LogP) // b holds both
	_, _ = binary.Decode(b[16+4*n:], le, r.IDs)
	return r
}

// check refuses rows that were not made from logits.
func (r Row) check(vocab int) error {
	last := float32(0)
	for i, v := range r.LogP {
		if !(v <= last) {
			return fmt.Errorf("log-probability %v comes after %v", v, last)
		}
		last = v
		if id := r.IDs[i]; id < 0 || int(id) >= vocab {
			return fmt.Errorf("token %d is outside the vocabulary of %d", id, vocab)
		}
	}
	if !(r.LogTail <= 0) || !(r.TargetLogP <= 0) {
		return fmt.Errorf("invalid log-probabilities, %v of the tail and %v of the next token", r.LogTail, r.TargetLogP)
	}
	return nil
}

// Divergence is the Kullback-Leibler divergence, in nats, of a candidate from the reference with all tokens that the
// row does not keep made one: at most that of the full distributions, which is at most kld+bound (see the package's
// documentation). q are the candidate's logits, one for each token of the vocabulary, lse is their LogSumExp.
func (r Row) Divergence(q []float32, lse float64) (kld, bound float64) {
	for i, id := range r.IDs {
		logP := float64(r.LogP[i])
		if p := elementary.Exp(logP); p > 0 {
			kld += float64(p * (logP - (float64(q[id]) - lse)))
		}
	}
	if p := elementary.Exp(r.LogTail); p > 0 {
		rest := r.rest(q)
		least, most := limits(rest)
		logQ := sumExp(most, rest...) - lse
		if math.IsInf(logQ, -1) {
			return math.Inf(1), 0
		}
		kld += float64(p * (r.LogTail - logQ))
		bound = r.entropy(p, count(rest)) + r.crossEntropy(p, rest, lse, lse-float64(most), lse-float64(least)) - float64(p*(r.LogTail-logQ))
	}
	return max(kld, 0), max(bound, 0) // rounding may leave them a hair below
}

// rest are the logits of the tokens that the row does not keep, piece by piece.
func (r Row) rest(logits []float32) [][]float32 {
	if len(r.IDs) >= len(logits) {
		return nil
	}
	ids := slices.Sorted(slices.Values(r.IDs))
	parts := make([][]float32, 0, len(ids)+1)
	from := 0
	for _, id := range ids {
		if from < int(id) {
			parts = append(parts, logits[from:id])
		}
		from = int(id) + 1
	}
	if from < len(logits) {
		parts = append(parts, logits[from:])
	}
	return parts
}

// largest is what no token of the tail is likelier than, and its logarithm: the smallest kept, rounded up.
func (r Row) largest() (m, logM float64) {
	logM = float64(math.Nextafter32(r.LogP[len(r.LogP)-1], 0))
	return elementary.Exp(logM), logM
}

// entropy is the largest sum of p log p over n tokens that have the probability p together.
func (r Row) entropy(p float64, n int) float64 {
	m, logM := r.largest()
	k := min(math.Floor(p/m), float64(n))
	sum := float64(k * m * logM)
	if left := p - float64(k*m); left > 0 {
		sum += float64(left * elementary.Log(left))
	}
	return sum
}

// bins is how finely crossEntropy looks for the best threshold. The result is an upper bound for any number.
const bins = 256

// crossEntropy is the largest sum of -p log q over the tokens of rest that have the probability p together, from
// above: the smallest of p t + m sum max(x-t, 0) for some thresholds t between low and high, the limits of the x,
// which are -log q.
func (r Row) crossEntropy(p float64, rest [][]float32, lse, low, high float64) float64 {
	best := p * high
	if !(low < high) || math.IsInf(high, 0) {
		return best
	}
	// A histogram of the x gives the sum for the lower edge of each bin.
	var counts, sums [bins]float64
	width := (high - low) / bins
	for _, part := range rest {
		for _, v := range part {
			x := lse - float64(v)
			i := min(int((x-low)/width), bins-1)
			counts[i]++
			sums[i] += x
		}
	}
	m, _ := r.largest()
	var n, sum float64
	for i := bins - 1; i >= 0; i-- {
		n, sum = n+counts[i], sum+sums[i]
		t := low + float64(float64(i)*width)
		best = min(best, float64(p*t)+float64(m*max(sum-float64(n*t), 0)))
	}
	return best
}

// limits are the smallest and the largest value.
func limits(parts [][]float32) (least, most float32) {
	least, most = float32(math.Inf(1)), float32(math.Inf(-1))
	for _, part := range parts {
		for _, v := range part {
			least, most = min(least, v), max(most, v)
		}
	}
	return least, most
}

func count(parts [][]float32) (n int) {
	for _, part := range parts {
		n += len(part)
	}
	return n
}
