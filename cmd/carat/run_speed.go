package main

import (
	"math"
	"strings"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/allocate"
	"github.com/carat-llm/carat/runtime/kernel"
)

// speed is what tokens take on this machine when decoding one after the other, computed exactly.
type speed struct {
	rates map[gguf.Type]float64 // bytes of weights a second
	used  float64               // share of the experts that a token uses
	rest  float64               // seconds of a token for all but the products with the weights that are chosen
}

// rateBytes is the most that the rate of a type is measured with.
const rateBytes = 64 << 20

// measureSpeed measures the candidates' rates, and what the model as it is takes for a token beside its products.
func (m *newModel) measureSpeed(tensors []allocate.Tensor) (*speed, error) {
	s := &speed{rates: map[gguf.Type]float64{}, used: 1}
	md := m.src.Metadata()
	if all, ok := md.Int(md.Architecture() + ".expert_count"); ok && all > 0 {
		if used, ok := md.Int(md.Architecture() + ".expert_used_count"); ok && used > 0 {
			s.used = min(1, float64(used)/float64(all))
		}
	}
	var bytes int64
	for _, t := range tensors {
		bytes += t.Bytes()
	}
	pool := kernel.NewPool(m.g.threads)
	defer pool.Close()
	var products float64
	for _, t := range tensors {
		for _, typ := range append([]gguf.Type{t.Type}, t.Types...) {
			if s.rates[typ] > 0 {
				continue
			}
			rate, err := pool.Rate(typ, min(bytes/4, rateBytes), kernel.Exact)
			if err != nil {
				return nil, err
			}
			s.rates[typ] = rate
		}
		products += s.seconds(t.TensorInfo, t.Type)
	}
	token, err := m.tokenTime()
	s.rest = max(0, token-products)
	return s, err
}

// seconds of a token for a tensor as type t.
func (s *speed) seconds(info gguf.TensorInfo, t gguf.Type) float64 {
	info.Type = t
	share := 1.0
	if strings.Contains(info.Name, "_exps.") {
		share = s.used
	}
	return share * float64(info.Bytes()) / s.rates[t]
}

// tokenTime is the least that the model as it is takes for a token, in seconds.
func (m *newModel) tokenTime() (float64, error) {
	c, err := m.calibration.ready(m.g, m.source, m.src)
	if err != nil {
		return 0, err
	}
	const tokens = 32
	ids := c.chunks[0][:min(tokens, len(c.chunks[0]))]
	session, err := c.NewSession(len(ids))
	if err != nil {
		return 0, err
	}
	logits, best := make([]float32, c.Vocab()), math.Inf(1)
	for i := range ids {
		begin := time.Now()
		if err := session.Forward(ids[i:i+1], 0, logits); err != nil {
			return 0, err
		}
		best = min(best, time.Since(begin).Seconds())
	}
	return best, nil
}
