package figure

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/carat-llm/carat/internal/elementary"
)

// ChunkStats are the sums over the scored tokens of one chunk, from which every figure is computed: chunks are what
// is independent in a text, so a figure's error is their spread, and what two runs have measured of the same chunks
// can be paired. q is the candidate's distribution, p the reference's; logarithms are natural.
type ChunkStats struct {
	Slice  int `json:"slice"`  // index of the slice of the corpus
	Tokens int `json:"tokens"` // scored
	Bytes  int `json:"bytes"`  // of text that the scored tokens spell

	NLL  float64 `json:"nll"`  // sum of -log q(next)
	NLL2 float64 `json:"nll2"` // sum of its squares

	// What follows is there when there is a reference.
	RefNLL   float64  `json:"ref_nll,omitempty"`  // sum of -log p(next)
	RefNLL2  float64  `json:"ref_nll2,omitempty"` // sum of its squares
	Cross    float64  `json:"cross,omitempty"`    // sum of the products of both
	KLD      float64  `json:"kld,omitempty"`      // sum of KL(p || q)
	KLD2     float64  `json:"kld2,omitempty"`
	SameTop  int      `json:"same_top,omitempty"` // positions where both find the same token likeliest
	Top5     int      `json:"top5,omitempty"`     // tokens common to the five likeliest of both, 0 to 5 a position
	DeltaP   float64  `json:"delta_p,omitempty"`  // sum of q(next) - p(next)
	DeltaP2  float64  `json:"delta_p2,omitempty"` // sum of its squares
	DeltaP4  float64  `json:"delta_p4,omitempty"` // and of its fourth powers
	KLDBound float64  `json:"kld_bound,omitempty"`
	KLDs     Float32s `json:"klds,omitempty"` // KL(p || q) of each token
}

// Observation is what one candidate predicts at one position, and its reference if there is one.
type Observation struct {
	NLL, RefNLL, KLD float64
	Bound            float64 // how much more KLD may be
	SameTop, Top5    int     // as in ChunkStats, of one position
}

// Add adds a position. paired says that there was a reference.
func (c *ChunkStats) Add(o *Observation, paired bool) {
	c.NLL += o.NLL
	c.NLL2 += float64(o.NLL * o.NLL)
	if !paired {
		return
	}
	c.RefNLL += o.RefNLL
	c.RefNLL2 += float64(o.RefNLL * o.RefNLL)
	c.Cross += float64(o.NLL * o.RefNLL)
	c.KLD += o.KLD
	c.KLD2 += float64(o.KLD * o.KLD)
	c.KLDBound += o.Bound
	c.KLDs = append(c.KLDs, float32(o.KLD))
	c.SameTop += o.SameTop
	c.Top5 += o.Top5
	d := elementary.Exp(-o.NLL) - elementary.Exp(-o.RefNLL)
	d2 := float64(d * d)
	c.DeltaP += d
	c.DeltaP2 += d2
	c.DeltaP4 += float64(d2 * d2)
}

// Series is what one model did over the chunks of a corpus, in order.
type Series struct {
	Chunks []ChunkStats
	// Paired says that there was a reference.
	Paired bool
}

// All selects every slice of a series.
const All = -1

// of returns the chunks of a slice.
func (s *Series) of(slice int) []ChunkStats {
	if slice == All {
		return s.Chunks
	}
	var out []ChunkStats
	for _, c := range s.Chunks {
		if c.Slice == slice {
			out = append(out, c)
		}
	}
	return out
}

// Float32s is written in JSON as base64 of little-endian float32, 5.4 characters a value.
type Float32s []float32

// MarshalText implements encoding.TextMarshaler.
func (f Float32s) MarshalText() ([]byte, error) {
	b := make([]byte, 4*len(f))
	for i, v := range f {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v))
	}
	return base64.StdEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *Float32s) UnmarshalText(text []byte) error {
	b, err := base64.StdEncoding.AppendDecode(nil, text)
	if err != nil {
		return err
	}
	if len(b)%4 != 0 {
		return fmt.Errorf("%d bytes are not whole float32 values", len(b))
	}
	*f = make(Float32s, len(b)/4)
	for i := range *f {
		(*f)[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return nil
}
