//go:build amd64 && gc && !noasm && !purego

package codec

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/carat-llm/carat/internal/cpu"
	"github.com/stretchr/testify/require"
)

// TestGridLines compares the search by lines with that which computes every error, and that with snap: on equal errors,
// nearly equal ones, and weights and elements of any size.
func TestGridLines(t *testing.T) {
	kinds := map[string]func(r *rand.Rand) (x, w float64){
		"gauss":    func(r *rand.Rand) (x, w float64) { return r.NormFloat64(), r.Float64() },
		"equal":    func(r *rand.Rand) (x, w float64) { return 1, 1 },
		"integers": func(r *rand.Rand) (x, w float64) { return float64(r.IntN(5)), float64(r.IntN(3)) },
		"nearly":   func(r *rand.Rand) (x, w float64) { return 1 + float64(r.IntN(3))*0x1p-23, 1 },
		"few":      func(r *rand.Rand) (x, w float64) { return r.NormFloat64(), float64(r.IntN(8) / 7) },
		"uneven":   func(r *rand.Rand) (x, w float64) { return r.NormFloat64(), math.Exp(8 * r.NormFloat64()) },
		"tiny":     func(r *rand.Rand) (x, w float64) { return r.NormFloat64() * 0x1p-50, r.Float64() * 0x1p-126 },
		"huge":     func(r *rand.Rand) (x, w float64) { return r.NormFloat64() * 0x1p50, r.Float64() * 0x1p50 },
	}
	for _, tier := range cpu.Available() {
		k := map[cpu.Tier]*iqLanes{cpu.AVX2: iqLanesAVX2, cpu.AVX512: iqLanesAVX512}[tier]
		if k == nil {
			continue
		}
		for _, f := range []*gridFormat{fitIQ2XXS, fitIQ2XS, fitIQ2S, fitIQ3XXS, fitIQ3S} {
			s := k.newGridSearch(f)
			tables, w := f.grid.tables(k.n), new(gridWork)
			for name, draw := range kinds {
				r := rand.New(rand.NewPCG(3, uint64(f.sub)))
				for range 6 {
					clear(w.most[:])
					for i := range f.sub * k.n {
						x, weight := draw(r)
						w.x[i], w.roots[i] = abs(float32(x)), sqrt(float32(weight))
						w.most[i%k.n] = max(w.most[i%k.n], w.x[i])
					}
					for l := range w.wanted {
						w.wanted[l] = 2*s.all() + 1
					}
					k.gridRows(&w.xRows[0], &w.x[0], f.sub)
					k.gridRows(&w.rootsRows[0], &w.roots[0], f.sub)
					s.codes(&w.codes[0], &w.scales[0], &w.x[0], &w.most[0], &s.factors[0], s.groups, s.count)
					s.nearest(&w.found[0], &w.codes[0], &w.scales[0], &w.xRows[0], &w.rootsRows[0], &w.wanted[0], s.count, &tables.lookup[0], &tables.lists[0], &tables.points[0])
					s.requireSnaps(t, w, tables, name)
					want := slices.Clone(w.found[:])
					clear(w.found[:])
					s.lines(&w.found[0], &w.codes[0], &w.scales[0], &w.xRows[0], &w.rootsRows[0], &w.wanted[0], s.count, &tables.lookup[0], &tables.lists[0], &tables.points[0], &w.scratch[0])
					for q := range s.groups {
						from, to := q*gridRows*k.n, (q*gridRows+s.count)*k.n
						require.Equal(t, want[from:to], w.found[from:to], "%v: group %d of %s elements, grid of %d points", tier, q, name, len(f.grid.points))
					}
				}
			}
		}
	}
}

// requireSnaps compares what is found with the definition.
func (s *gridSearch) requireSnaps(t *testing.T, w *gridWork, tables *gridTables, name string) {
	t.Helper()
	fit := gridFit{gridFormat: s.gridFormat, points: s.grid.points, groups: s.groups}
	for l := range s.n {
		for i := range s.sub {
			fit.x[i], fit.root[i] = w.x[i*s.n+l], w.roots[i*s.n+l]
		}
		for q := range s.groups {
			for try := range s.count {
				values := scaledLevels(w.scales[try*s.n+l], &oddValues)
				at := (q*gridRows+try)*s.n + l
				want, on := fit.snap(q, w.codes[at], &values)
				if want != tables.numbers[w.found[at]] || on != tables.onGrid(w.codes[at]) {
					require.Failf(t, "not the point that is defined", "lane %d, group %d, try %d of %s elements: want %d, got %d", l, q, try, name, want, tables.numbers[w.found[at]])
				}
			}
		}
	}
}
