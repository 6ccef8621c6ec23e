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

	"github.com/carat-llm/carat/eval/figure"
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
func (w world) chunks(r *rand.Rand, n int, a, b []figure.ChunkStats) (x, y []figure.ChunkStats) {
	for i := len(a); i < n; i++ {
		slice := i % len(w.slices)
		effect := chunkSigma * r.NormFloat64()
		var c [2]figure.ChunkStats
		for k := range c {
			c[k] = figure.ChunkStats{Slice: slice, Tokens: chunkTokens, Bytes: 4 * chunkTokens, KLDs: make(figure.Float32s, 0, chunkTokens)}
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

func (w world) report(chunks []figure.ChunkStats) *report.Report {
	r := &report.Report{Reference: &report.Model{SHA256: "r"}, Candidates: []report.Candidate{{
		Model: report.Model{Name: "m"}, Metrics: &figure.Metrics{Comparison: &figure.Comparison{}}, Chunks: chunks}}}
	for i := range w.slices {
		r.Data = append(r.Data, report.Data{Name: fmt.Sprint("s", i)})
	}
	return r
}

// trialCase is a policy that is judged with looks at these numbers of chunks.
type trialCase struct {
	name, gates string
	looks       []int
	pass, fail  int // runs that did
}

func (c *trialCase) rates(runs int) (pass, fail float64) {
	return float64(c.pass) / float64(runs), float64(c.fail) / float64(runs)
}

// simulate judges every case on the same runs of a world.
func simulate(t *testing.T, w world, runs int, cases []*trialCase) {
	t.Helper()
	chunks := 0
	policies := make([]*Policy, len(cases))
	for i, c := range cases {
		last := c.looks[len(c.looks)-1]
		p, err := Parse("p", strings.NewReader(fmt.Sprintf("version: 1\ntokens: %d\nmax_tokens: %d\ngates: [%s]\n",
			c.looks[0]*chunkTokens, last*chunkTokens, c.gates)))
		require.NoError(t, err)
		require.Len(t, planned(p.Tokens, p.MaxTokens), len(c.looks))
		policies[i] = p
		chunks = max(chunks, last)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	const workers = 4 // each has a random sequence, so it is not the machine's number
	for k := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(k), 1))
			for range runs / workers {
				a, b := w.chunks(r, chunks, nil, nil)
				for i, c := range cases {
					verdict := run(w, policies[i], a, b)
					mu.Lock()
					switch verdict {
					case report.Pass:
						c.pass++
					case report.Fail:
						c.fail++
					}
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
}

func run(w world, p *Policy, a, b []figure.ChunkStats) string {
	l := Loop{Policy: p, Today: "2026-01-01"}
	if w.versus != 0 {
		l.Baseline = w.report(nil)
	}
	l.Measure = func(_ context.Context, tokens int) (*report.Report, error) {
		n := tokens / chunkTokens
		if w.versus != 0 {
			*l.Baseline = *w.report(b[:n])
		}
		return w.report(a[:n]), nil
	}
	got, err := l.Run(context.Background())
	if err != nil || got.Gate.Verdict == report.Skipped {
		panic(fmt.Sprint(err, got))
	}
	return got.Gate.Verdict
}

// TestErrorRates measures how often gates are wrong when the truth is just at the bound, which is where they are wrong
// most often. CARAT_LONG=1 makes thousands of runs, whose table is in docs/policy.md.
func TestErrorRates(t *testing.T) {
	runs, plans := 120, [][]int{{16}, {32}, {16, 32}}
	if os.Getenv("CARAT_LONG") != "" {
		runs, plans = 4000, [][]int{{16}, {32}, {64}, {128}, {16, 32, 64, 128}}
	}
	const alpha = 1 - DefaultConfidence
	// What chance may add to the rate of so many runs, three standard errors.
	noise := 3 * math.Sqrt(alpha*(1-alpha)/float64(runs))
	one := world{mean: 0.05, top: 0.92, slices: []float64{1}}
	aa := one
	aa.versus = 1
	bound := func(metric string, value float64) string {
		return fmt.Sprintf("{metric: %s, value: %v}", metric, value)
	}
	kld, p99, top, ppl := bound("kld.mean", one.mean), bound("kld.p99", one.p99()), bound("same_top", one.top), bound("ppl.ratio", one.ratio())
	worst := "{metric: kld.mean, scope: worst_slice, value: 0.05}"
	unchanged := func(metric string) string { return fmt.Sprintf("{metric: %s, vs: baseline, rel_margin: 0}", metric) }
	t.Logf("%-46s %7s %11s %11s  (%d runs, alpha %.2f)", "truth at the bound", "chunks", "false pass", "false fail", runs, alpha)
	for _, s := range []struct {
		w     world
		gates [][2]string
	}{
		{one, [][2]string{{"kld.mean", kld}, {"kld.p99", p99}, {"same_top", top}, {"ppl.ratio", ppl},
			{"four gates, all at the bound", strings.Join([]string{kld, p99, top, ppl}, ", ")},
			{"four gates, kld.mean at the bound", strings.Join([]string{kld, bound("kld.p99", 5), bound("same_top", 0.5), bound("ppl.ratio", 2)}, ", ")}}},
		{world{mean: 0.05, top: 0.92, slices: []float64{1, 1, 1, 1}}, [][2]string{{"kld.mean, worst of 4 slices, all at the bound", worst}}},
		{world{mean: 0.05, top: 0.92, slices: []float64{1, 0.2, 0.2, 0.2}}, [][2]string{{"kld.mean, worst of 4 slices, one at the bound", worst}}},
		{aa, [][2]string{{"kld.mean, A/A paired, margin 0", unchanged("kld.mean")}, {"kld.p99, A/A paired, margin 0", unchanged("kld.p99")},
			{"same_top, A/A paired, margin 0", unchanged("same_top")}, {"ppl.ratio, A/A paired, margin 0", unchanged("ppl.ratio")}}},
	} {
		var cases []*trialCase
		for _, g := range s.gates {
			for _, looks := range plans {
				cases = append(cases, &trialCase{name: g[0], gates: g[1], looks: looks})
			}
		}
		simulate(t, s.w, runs, cases)
		for _, c := range cases {
			pass, fail := c.rates(runs)
			t.Logf("%-46s %7s %11.4f %11.4f", c.name, chunkRange(c.looks), pass, fail)
			require.LessOrEqual(t, pass, alpha+noise, "%s over %v chunks passes too often", c.name, c.looks)
			require.LessOrEqual(t, fail, alpha+noise, "%s over %v chunks fails too often", c.name, c.looks)
		}
	}
}

func chunkRange(looks []int) string {
	if len(looks) == 1 {
		return fmt.Sprint(looks[0])
	}
	return fmt.Sprintf("%d..%d", looks[0], looks[len(looks)-1])
}

// TestPower: what is clearly on one side is judged so.
func TestPower(t *testing.T) {
	runs := 40
	if os.Getenv("CARAT_LONG") != "" {
		runs = 2000
	}
	one := world{mean: 0.05, top: 0.92, slices: []float64{1}}
	versus := func(f float64) world { w := one; w.versus = f; return w }
	const unchanged, tail = "{metric: kld.mean, vs: baseline, rel_margin: 0}", "{metric: kld.p99, vs: baseline, rel_margin: 0}"
	good := func(name, gate string, looks ...int) *trialCase {
		return &trialCase{name: "good: " + name, gates: gate, looks: looks}
	}
	bad := func(name, gate string, looks ...int) *trialCase {
		return &trialCase{name: "bad: " + name, gates: gate, looks: looks}
	}
	t.Logf("%-50s %7s %8s  (%d runs)", "truth clearly on one side", "chunks", "right", runs)
	for _, s := range []struct {
		w     world
		cases []*trialCase
	}{
		{one, []*trialCase{
			good("kld.mean 0.05, bound 0.0625", "{metric: kld.mean, value: 0.0625}", 64),
			bad("kld.mean 0.05, bound 0.0416", "{metric: kld.mean, value: 0.0416}", 64),
			good("kld.mean 0.05, bound 0.0625", "{metric: kld.mean, value: 0.0625}", 16, 32, 64),
			bad("kld.mean 0.05, bound 0.0416", "{metric: kld.mean, value: 0.0416}", 16, 32, 64),
			good("kld.p99, bound 1.33 times", fmt.Sprintf("{metric: kld.p99, value: %v}", one.p99()*1.33), 64),
			bad("kld.p99, bound 0.77 times", fmt.Sprintf("{metric: kld.p99, value: %v}", one.p99()*0.77), 64),
			good("same_top 0.92, bound 0.905", "{metric: same_top, value: 0.905}", 64),
			bad("same_top 0.92, bound 0.935", "{metric: same_top, value: 0.935}", 64),
			good("ppl.ratio 1.051, bound 1.07", "{metric: ppl.ratio, value: 1.07}", 64),
			bad("ppl.ratio 1.051, bound 1.03", "{metric: ppl.ratio, value: 1.03}", 64),
		}},
		{world{mean: 0.05, top: 0.92, slices: []float64{1, 1, 1, 1}}, []*trialCase{
			good("kld.mean 0.05 in 4 slices, bound 0.1", "{metric: kld.mean, scope: worst_slice, value: 0.1}", 64),
			bad("kld.mean 0.05 in 4 slices, bound 0.0385", "{metric: kld.mean, scope: worst_slice, value: 0.0385}", 64),
		}},
		{versus(1.15), []*trialCase{good("kld.mean, baseline 15 % worse", unchanged, 64)}},
		{versus(1 / 1.15), []*trialCase{bad("kld.mean, baseline 15 % better", unchanged, 64)}},
		{versus(1.3), []*trialCase{good("kld.p99, baseline 30 % worse", tail, 64)}},
		{versus(1 / 1.3), []*trialCase{bad("kld.p99, baseline 30 % better", tail, 64)}},
	} {
		simulate(t, s.w, runs, s.cases)
		for _, c := range s.cases {
			right, wrong := c.rates(runs)
			if strings.HasPrefix(c.name, "bad") {
				right, wrong = wrong, right
			}
			t.Logf("%-50s %7s %8.4f", c.name, chunkRange(c.looks), right)
			require.GreaterOrEqual(t, right, 0.9, "%s", c.name)
			require.Zero(t, wrong, "%s", c.name)
		}
	}
}
