package gate

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/carat-llm/carat/eval"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/eval/stats"
	"github.com/stretchr/testify/require"
)

// world makes synthetic measurements with known true figures. Divergences of tokens are lognormal with a coefficient of
// variation of 2.9, times an effect of the chunk that makes the error of the mean 1.5 times that of independent
// tokens. The change of a token's negative log-likelihood is normal around its divergence k with the variance 2k, as
// it is for distributions that differ little. Errors of the top token have the mean 1-top and an effect of the chunk.
type world struct {
	mean float64 // kld.mean of a slice of factor 1
	top  float64 // same_top
	// slices are factors of the slices' means.
	slices []float64
	// versus is the factor between another candidate and this one; their tokens' divergences correlate with about 0.7.
	versus float64
}

const (
	chunkTokens = 255
	tokenCV     = 2.9
	chunkCV     = 0.2
)

var (
	chunkSigma = math.Sqrt(math.Log(1 + chunkCV*chunkCV))
	tokenSigma = math.Sqrt(math.Log((1 + tokenCV*tokenCV) / (1 + chunkCV*chunkCV)))
)

// p99 is the true kld.p99 of a world with one slice.
func (w world) p99() float64 {
	s2 := chunkSigma*chunkSigma + tokenSigma*tokenSigma
	return w.mean * math.Exp(-s2/2+math.Sqrt(s2)*stats.NormalQuantile(0.99))
}

func (w world) ratio() float64 { return math.Exp(w.mean) }

// chunks adds chunks up to n of the candidate and of the other one.
func (w world) chunks(r *rand.Rand, n int, a, b []eval.ChunkStats) (x, y []eval.ChunkStats) {
	for i := len(a); i < n; i++ {
		slice := i % len(w.slices)
		effect := chunkSigma * r.NormFloat64()
		var c [2]eval.ChunkStats
		for k := range c {
			c[k] = eval.ChunkStats{Slice: slice, Tokens: chunkTokens, Bytes: 4 * chunkTokens, KLDs: make(eval.Float32s, 0, chunkTokens)}
		}
		wrong := (1 - w.top) * math.Exp(0.27*r.NormFloat64()-0.27*0.27/2)
		const common = 0.85 // of the logarithms of both candidates' divergences
		for range chunkTokens {
			z := r.NormFloat64()
			ref := 2.5 * r.ExpFloat64()
			u := r.Float64()
			for k := range c {
				m, v := w.mean*w.slices[slice], z
				if k == 1 {
					if w.versus == 0 {
						break
					}
					m *= w.versus
					v = common*z + math.Sqrt(1-common*common)*r.NormFloat64()
				}
				kld := m * math.Exp(effect-chunkSigma*chunkSigma/2+tokenSigma*v-tokenSigma*tokenSigma/2)
				s := &c[k]
				s.KLD += kld
				s.KLDs = append(s.KLDs, float32(kld))
				s.RefNLL += ref
				s.NLL += ref + kld + math.Sqrt(2*kld)*r.NormFloat64()
				if k == 1 && r.Float64() < 0.3 {
					u = r.Float64()
				}
				if u >= wrong {
					s.SameTop++
				}
			}
		}
		a, b = append(a, c[0]), append(b, c[1])
	}
	return a, b
}

func (w world) report(chunks []eval.ChunkStats) *report.Report {
	r := &report.Report{Reference: &report.Model{SHA256: "r"}, Candidates: []report.Candidate{{
		Model: report.Model{Name: "m"}, Metrics: &eval.Metrics{Comparison: &eval.Comparison{}}, Chunks: chunks}}}
	for i := range w.slices {
		r.Data = append(r.Data, report.Data{Name: fmt.Sprint("s", i)})
	}
	return r
}

// rates are the shares of runs that passed and failed.
type rates struct{ pass, fail float64 }

// simulate judges runs of a world with looks at these numbers of chunks, by a policy of gates.
func simulate(t *testing.T, w world, runs int, looks []int, gates string) rates {
	t.Helper()
	p, err := Parse("p", strings.NewReader(fmt.Sprintf("version: 1\ntokens: %d\nmax_tokens: %d\ngates: [%s]\n",
		looks[0]*chunkTokens, looks[len(looks)-1]*chunkTokens, gates)))
	require.NoError(t, err)
	require.Len(t, Plan(p.Tokens, p.MaxTokens), len(looks))
	var mu sync.Mutex
	var out rates
	var wg sync.WaitGroup
	const workers = 4 // of the random sequence too, so not the machine's
	for k := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(k), uint64(looks[0])))
			pass, fail := 0, 0
			for range runs / workers {
				var a, b []eval.ChunkStats
				var other *report.Report
				l := Loop{Policy: p, Today: "2026-01-01", Measure: func(_ context.Context, tokens int) (*report.Report, error) {
					a, b = w.chunks(r, tokens/chunkTokens, a, b)
					if w.versus != 0 {
						*other = *w.report(b)
					}
					return w.report(a), nil
				}}
				if w.versus != 0 {
					other = &report.Report{}
					l.Baseline = other
				}
				got, err := l.Run(context.Background())
				if err != nil {
					panic(err)
				}
				switch got.Gate.Verdict {
				case report.Pass:
					pass++
				case report.Fail:
					fail++
				case report.Skipped:
					panic(got.Gate.Gates[0].Message)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			out.pass += float64(pass)
			out.fail += float64(fail)
		})
	}
	wg.Wait()
	return rates{out.pass / float64(runs), out.fail / float64(runs)}
}

// TestErrorRates measures how often gates are wrong when the truth is just at the bound, which is where they are wrong
// most often, and how often they are right when it is clearly on one side. CARAT_LONG=1 makes thousands of runs, whose
// table is in docs/policy.md.
func TestErrorRates(t *testing.T) {
	runs, sizes := 200, []int{16}
	if os.Getenv("CARAT_LONG") != "" {
		runs, sizes = 4000, []int{16, 32, 64, 128}
	}
	const alpha = 1 - DefaultConfidence
	// What chance may add to the rate of so many runs, three standard errors.
	noise := 3 * math.Sqrt(alpha*(1-alpha)/float64(runs))
	one := world{mean: 0.05, top: 0.92, slices: []float64{1}}
	four := world{mean: 0.05, top: 0.92, slices: []float64{1, 1, 1, 1}}
	aa := one
	aa.versus = 1
	single := []struct {
		name, gate string
		w          world
	}{
		{"kld.mean", fmt.Sprintf(`{metric: kld.mean, value: %v}`, one.mean), one},
		{"kld.p99", fmt.Sprintf(`{metric: kld.p99, value: %v}`, one.p99()), one},
		{"same_top", fmt.Sprintf(`{metric: same_top, value: %v}`, one.top), one},
		{"ppl.ratio", fmt.Sprintf(`{metric: ppl.ratio, value: %v}`, one.ratio()), one},
		{"kld.mean, worst of 4 slices, all at the bound", `{metric: kld.mean, scope: worst_slice, value: 0.05}`, four},
		{"kld.mean, worst of 4 slices, one at the bound", `{metric: kld.mean, scope: worst_slice, value: 0.05}`,
			world{mean: 0.05, top: 0.92, slices: []float64{1, 0.4, 0.4, 0.4}}},
		{"four gates, all at the bound", fmt.Sprintf(`{metric: kld.mean, value: %v}, {metric: kld.p99, value: %v}, {metric: same_top, value: %v}, {metric: ppl.ratio, value: %v}`,
			one.mean, one.p99(), one.top, one.ratio()), one},
		{"four gates, kld.mean at the bound", `{metric: kld.mean, value: 0.05}, {metric: kld.p99, value: 5}, {metric: same_top, value: 0.5}, {metric: ppl.ratio, value: 2}`, one},
		{"kld.mean, A/A, paired, margin 0", `{metric: kld.mean, vs: baseline, rel_margin: 0}`, aa},
		{"kld.p99, A/A, paired, margin 0", `{metric: kld.p99, vs: baseline, rel_margin: 0}`, aa},
		{"same_top, A/A, paired, margin 0", `{metric: same_top, vs: baseline, rel_margin: 0}`, aa},
		{"ppl.ratio, A/A, paired, margin 0", `{metric: ppl.ratio, vs: baseline, rel_margin: 0}`, aa},
	}
	t.Logf("%-50s %7s %10s %10s  (%d runs, alpha %.2f)", "truth at the bound", "chunks", "false pass", "false fail", runs, alpha)
	for _, s := range single {
		for _, n := range sizes {
			got := simulate(t, s.w, runs, []int{n}, s.gate)
			t.Logf("%-50s %7d %10.4f %10.4f", s.name, n, got.pass, got.fail)
			require.LessOrEqual(t, got.pass, alpha+noise, "%s over %d chunks passes too often", s.name, n)
			require.LessOrEqual(t, got.fail, alpha+noise, "%s over %d chunks fails too often", s.name, n)
		}
	}
	looks := []int{16, 32, 64, 128}
	for _, s := range single {
		if os.Getenv("CARAT_LONG") == "" && s.name != "kld.mean" {
			continue
		}
		got := simulate(t, s.w, runs, looks, s.gate)
		t.Logf("%-50s %7s %10.4f %10.4f", s.name, "16..128", got.pass, got.fail)
		require.LessOrEqual(t, got.pass, alpha+noise, "%s in four looks passes too often", s.name)
		require.LessOrEqual(t, got.fail, alpha+noise, "%s in four looks fails too often", s.name)
	}
}

// TestPower: a clear difference is found.
func TestPower(t *testing.T) {
	runs := 80
	if os.Getenv("CARAT_LONG") != "" {
		runs = 2000
	}
	one := world{mean: 0.05, top: 0.92, slices: []float64{1}}
	four := world{mean: 0.05, top: 0.92, slices: []float64{1, 1, 1, 1}}
	versus := func(f float64) world { w := one; w.versus = f; return w }
	t.Logf("%-56s %7s %8s  (%d runs)", "truth clearly on one side", "chunks", "right", runs)
	for _, s := range []struct {
		name, gate string
		w          world
		looks      []int
		pass       bool
	}{
		{"kld.mean 20 % below the bound", `{metric: kld.mean, value: 0.0625}`, one, []int{64}, true},
		{"kld.mean 20 % above the bound", `{metric: kld.mean, value: 0.0416}`, one, []int{64}, false},
		{"kld.p99 25 % below the bound", fmt.Sprintf(`{metric: kld.p99, value: %v}`, one.p99()/0.75), one, []int{64}, true},
		{"kld.p99 25 % above the bound", fmt.Sprintf(`{metric: kld.p99, value: %v}`, one.p99()/1.3), one, []int{64}, false},
		{"same_top 0.92, bound 0.905", `{metric: same_top, value: 0.905}`, one, []int{64}, true},
		{"same_top 0.92, bound 0.935", `{metric: same_top, value: 0.935}`, one, []int{64}, false},
		{"ppl.ratio 1.051, bound 1.07", `{metric: ppl.ratio, value: 1.07}`, one, []int{64}, true},
		{"ppl.ratio 1.051, bound 1.03", `{metric: ppl.ratio, value: 1.03}`, one, []int{64}, false},
		{"kld.mean 50 % below the bound in 4 slices", `{metric: kld.mean, scope: worst_slice, value: 0.1}`, four, []int{64}, true},
		{"kld.mean, baseline 15 % worse, margin 0, paired", `{metric: kld.mean, vs: baseline, rel_margin: 0}`, versus(1.15), []int{64}, true},
		{"kld.mean, baseline 15 % better, margin 0, paired", `{metric: kld.mean, vs: baseline, rel_margin: 0}`, versus(1 / 1.15), []int{64}, false},
		{"kld.p99, baseline 30 % worse, margin 0, paired", `{metric: kld.p99, vs: baseline, rel_margin: 0}`, versus(1.3), []int{64}, true},
		{"kld.p99, baseline 30 % better, margin 0, paired", `{metric: kld.p99, vs: baseline, rel_margin: 0}`, versus(1 / 1.3), []int{64}, false},
		{"kld.mean 20 % below the bound, three looks", `{metric: kld.mean, value: 0.0625}`, one, []int{32, 64, 128}, true},
		{"kld.mean 20 % above the bound, three looks", `{metric: kld.mean, value: 0.0416}`, one, []int{32, 64, 128}, false},
	} {
		got := simulate(t, s.w, runs, s.looks, s.gate)
		right := got.fail
		if s.pass {
			right = got.pass
		}
		t.Logf("%-56s %7d %8.4f", s.name, s.looks[len(s.looks)-1], right)
		require.GreaterOrEqual(t, right, 0.9, s.name)
	}
}
