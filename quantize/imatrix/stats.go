package imatrix

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Statistics describe the importances of one tensor: the mean squared activations of its columns, of all
// experts that saw any. The definitions are those of llama-imatrix --show-statistics.
type Statistics struct {
	Tensor string  `json:"tensor"`
	Layer  int     `json:"layer"` // -1 outside of the blocks
	Kind   string  `json:"kind"`  // the name without its layer and ".weight", as "attn_q"
	Sum    float64 `json:"sum"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Mean   float64 `json:"mean"`
	StdDev float64 `json:"sd"`
	// Active is the share of columns above 1e-5.
	Active float64 `json:"active"`
	N      int     `json:"n"`
	// Entropy is that of the columns' shares in the sum, in bits; EntropyNorm is its share of the most
	// that N columns can have.
	Entropy     float64 `json:"entropy"`
	EntropyNorm float64 `json:"entropy_norm"`
	// ZD is the share of columns more than one standard deviation above the mean.
	ZD float64 `json:"zd"`
	// CosSim is the cosine between this tensor's sums and the previous layer's tensor of the same kind; 0
	// when there is none of the same size.
	CosSim float64 `json:"cosine_similarity"`
}

// LayerStatistics are averages over the tensors of a layer, weighted by their numbers of columns.
type LayerStatistics struct {
	Layer  int     `json:"layer"`
	Sum    float64 `json:"sum"`
	ZD     float64 `json:"zd"`
	CosSim float64 `json:"cosine_similarity"`
}

// Statistics describes each tensor that has data, sorted by kind and then by falling sum, so that the layers
// that matter most stand first.
func (m *Matrix) Statistics() []Statistics {
	out := []Statistics{}
	for _, name := range m.Names() {
		e := m.entries[name]
		values := e.reached()
		if len(values) == 0 {
			continue
		}
		s := describe(values)
		s.Tensor = name
		s.Layer, s.Kind = splitName(name)
		if s.Layer > 0 {
			prev := strings.Replace(name, "blk."+strconv.Itoa(s.Layer)+".", "blk."+strconv.Itoa(s.Layer-1)+".", 1)
			s.CosSim = cosine(e.sums, m.entries[prev].sums)
		}
		out = append(out, s)
	}
	slices.SortStableFunc(out, func(a, b Statistics) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), cmp.Compare(b.Sum, a.Sum))
	})
	return out
}

// reached returns the means of the experts that saw anything.
func (e entry) reached() []float64 {
	var out []float64
	for i, v := range e.sums {
		if n := e.counts[i/e.cols()]; n > 0 {
			out = append(out, v/n)
		}
	}
	return out
}

func describe(values []float64) Statistics {
	s := Statistics{N: len(values), Min: slices.Min(values), Max: slices.Max(values)}
	n := float64(s.N)
	var squares float64
	for _, v := range values {
		s.Sum += v
		squares += v * v
	}
	s.Mean = s.Sum / n
	s.StdDev = math.Sqrt(max(0, squares/n-s.Mean*s.Mean))
	for _, v := range values {
		if v > 1e-5 {
			s.Active++
		}
		if p := v / s.Sum; p > 0 {
			s.Entropy -= p * math.Log2(p)
		}
		if s.StdDev > 0 && (v-s.Mean)/s.StdDev > 1 {
			s.ZD++
		}
	}
	s.Active /= n
	s.ZD /= n
	if s.N > 1 {
		s.EntropyNorm = s.Entropy / math.Log2(n)
	}
	return s
}

func cosine(a, b []float64) float64 {
	if len(a) != len(b) {
		return 0
	}
	var ab, aa, bb float64
	for i := range a {
		ab += a[i] * b[i]
		aa += a[i] * a[i]
		bb += b[i] * b[i]
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / (math.Sqrt(aa) * math.Sqrt(bb))
}

// Layers averages the statistics of each layer, in order.
func Layers(stats []Statistics) []LayerStatistics {
	byLayer, columns := map[int]*LayerStatistics{}, map[int]float64{}
	for _, s := range stats {
		if s.Layer < 0 {
			continue
		}
		l := byLayer[s.Layer]
		if l == nil {
			l = &LayerStatistics{Layer: s.Layer}
			byLayer[s.Layer] = l
		}
		n := float64(s.N)
		columns[s.Layer] += n
		l.Sum += n * s.Sum
		l.ZD += n * s.ZD
		l.CosSim += n * s.CosSim
	}
	out := []LayerStatistics{}
	for layer, l := range byLayer {
		n := columns[layer]
		out = append(out, LayerStatistics{layer, l.Sum / n, l.ZD / n, l.CosSim / n})
	}
	slices.SortFunc(out, func(a, b LayerStatistics) int { return a.Layer - b.Layer })
	return out
}

// splitName cuts "blk.12.attn_q.weight" into 12 and "attn_q"; the layer is -1 when there is none.
func splitName(name string) (layer int, kind string) {
	kind = strings.TrimSuffix(name, ".weight")
	rest, ok := strings.CutPrefix(kind, "blk.")
	if !ok {
		return -1, kind
	}
	number, tail, ok := strings.Cut(rest, ".")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 0 {
		return -1, kind
	}
	return n, tail
}
