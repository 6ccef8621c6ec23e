package report

import (
	"math"

	"github.com/carat-llm/carat/eval/figure"
)

// tolerance of figures against the sums they come from: the same computation, perhaps on another machine.
const tolerance = 1e-6

func validateChunk(at string, c *figure.ChunkStats, slices int) error {
	switch {
	case c.Slice < 0 || c.Slice >= slices:
		return wrong(at+".slice", "is %d, but there are %d slices", c.Slice, slices)
	case c.Tokens <= 0 || c.Bytes < 0:
		return wrong(at+".tokens", "is %d for %d bytes", c.Tokens, c.Bytes)
	case len(c.KLDs) != 0 && len(c.KLDs) != c.Tokens:
		return wrong(at+".klds", "has %d values for %d tokens", len(c.KLDs), c.Tokens)
	case c.SameTop < 0 || c.SameTop > c.Tokens || c.Top5 < 0 || c.Top5 > 5*c.Tokens:
		return wrong(at+".same_top", "is %d and top5 is %d, for %d tokens", c.SameTop, c.Top5, c.Tokens)
	}
	if len(c.KLDs) > 0 {
		var sum, size float64
		for _, v := range c.KLDs {
			sum += float64(v)
			size += math.Abs(float64(v))
		}
		if math.Abs(sum-c.KLD) > 1e-5*(size+1e-3) { // each was rounded to float32
			return wrong(at+".klds", "add up to %v, but kld is %v", sum, c.KLD)
		}
	}
	return nil
}

// agrees checks figures against the sums they were computed from, where those are there.
func agrees(at string, m *figure.Metrics, chunks []figure.ChunkStats) error {
	if m.Perplexity.Value <= 0 || m.Perplexity.Tokens < 0 {
		return wrong(at+".perplexity", "must be positive (got %v for %d tokens)", m.Perplexity.Value, m.Perplexity.Tokens)
	}
	c := m.Comparison
	if c != nil && (c.Reference.Value <= 0 || c.Ratio.Value <= 0) {
		return wrong(at+".perplexity_ratio", "must be positive (got %v, and %v of the reference)", c.Ratio.Value, c.Reference.Value)
	}
	if c != nil && (!share(c.SameTop.Value) || !share(c.TopFive.Value)) {
		return wrong(at+".same_top", "must be between 0 and 1, as must top5_overlap (got %v and %v)", c.SameTop.Value, c.TopFive.Value)
	}
	if len(chunks) == 0 {
		return nil
	}
	var tokens, bytes, same, top5 int
	var nll, ref, kld float64
	for _, x := range chunks {
		tokens += x.Tokens
		bytes += x.Bytes
		same += x.SameTop
		top5 += x.Top5
		nll += x.NLL
		ref += x.RefNLL
		kld += x.KLD
	}
	n := float64(tokens)
	if m.Perplexity.Tokens != tokens {
		return wrong(at+".perplexity.tokens", "is %d, but the chunks have %d", m.Perplexity.Tokens, tokens)
	}
	if k := len(m.Perplexity.Chunks); k != len(chunks) {
		return wrong(at+".perplexity.chunks", "has %d values for %d chunks", k, len(chunks))
	}
	checks := []struct {
		name       string
		found, sum float64
	}{{"perplexity.value", m.Perplexity.Value, math.Exp(nll / n)}}
	if bytes > 0 {
		checks = append(checks, struct {
			name       string
			found, sum float64
		}{"bits_per_byte.value", m.BitsPerByte.Value, nll / float64(bytes) / math.Ln2})
	}
	if c != nil {
		checks = append(checks, []struct {
			name       string
			found, sum float64
		}{
			{"reference_perplexity.value", c.Reference.Value, math.Exp(ref / n)},
			{"perplexity_ratio.value", c.Ratio.Value, math.Exp((nll - ref) / n)},
			{"kld.mean", c.Divergence.Mean, kld / n},
			{"same_top.value", c.SameTop.Value, float64(same) / n},
			{"top5_overlap.value", c.TopFive.Value, float64(top5) / 5 / n},
		}...)
	}
	for _, k := range checks {
		if math.Abs(k.found-k.sum) > tolerance*(math.Abs(k.sum)+1e-6) {
			return wrong(at+"."+k.name, "is %v, but the chunks' sums give %v", k.found, k.sum)
		}
	}
	return nil
}
