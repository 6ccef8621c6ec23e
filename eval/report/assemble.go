package report

import (
	"slices"

	"github.com/carat-llm/carat/eval/figure"
)

// Paired says that the candidate was measured against a reference.
func (c *Candidate) Paired() bool { return c.Metrics != nil && c.Metrics.Comparison != nil }

// Series is the candidate's chunks as figures are computed from them.
func (c *Candidate) Series() *figure.Series {
	return &figure.Series{Chunks: c.Chunks, Paired: c.Paired()}
}

// Fill computes the candidate's figures from a series over the texts of data.
func (c *Candidate) Fill(s *figure.Series, data []Data) {
	c.Chunks = s.Chunks
	c.Metrics = s.Metrics(figure.All)
	c.Slices, c.WorstSlice = nil, ""
	if len(data) < 2 {
		return
	}
	worst := -1.0
	for i, d := range data {
		if !slices.ContainsFunc(s.Chunks, func(c figure.ChunkStats) bool { return c.Slice == i }) {
			continue
		}
		m := s.Metrics(i)
		c.Slices = append(c.Slices, Slice{d.Name, m})
		v := m.Perplexity.Value
		if m.Comparison != nil {
			v = m.Divergence.Mean
		}
		if v > worst {
			worst, c.WorstSlice = v, d.Name
		}
	}
}

// SameChunks reports whether two reports measured the same positions in the same way against the same reference, so that what their
// candidates did can be paired chunk by chunk, as far as both went.
func SameChunks(a, b *Report) bool {
	pa, pb := a.Protocol, b.Protocol
	if !pa.Is(pb.Computation) || pa.Context != pb.Context || pa.Stride != pb.Stride || len(a.Data) != len(b.Data) || (a.Reference == nil) != (b.Reference == nil) {
		return false
	}
	if a.Reference != nil && a.Reference.SHA256 != b.Reference.SHA256 {
		return false
	}
	for i := range a.Data {
		x, y := &a.Data[i], &b.Data[i]
		if x.SHA256 != y.SHA256 || !pa.SameBytes && x.Tokens != y.Tokens { // other tokens are other positions
			return false
		}
	}
	return pa.SameBytes == pb.SameBytes && (!pa.SameBytes || sameBytes(a.measured(), b.measured()))
}

// measured is the first candidate that was, or nil.
func (r *Report) measured() *Candidate {
	for i := range r.Candidates {
		if c := &r.Candidates[i]; len(c.Chunks) > 0 {
			return c
		}
	}
	return nil
}

// sameBytes reports whether the chunks of both have as many bytes of the same slices, as far as both went: where
// tokenizers differ, the bounds of chunks depend on which those are.
func sameBytes(a, b *Candidate) bool {
	if a == nil || b == nil {
		return true
	}
	for i := range min(len(a.Chunks), len(b.Chunks)) {
		if x, y := &a.Chunks[i], &b.Chunks[i]; x.Slice != y.Slice || x.Bytes != y.Bytes {
			return false
		}
	}
	return true
}
