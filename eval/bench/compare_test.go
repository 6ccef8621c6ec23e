package bench

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pair makes sessions of models a (twice) and b on one machine; b takes factor times as long. Every call takes up
// to jitter more, at random, and the machine becomes slower all the time by drift a call.
func pair(seed uint64, factor, jitter, drift float64) (m *machine, a, again, b *fake) {
	m = &machine{}
	r := rand.New(rand.NewPCG(seed, 1))
	calls := 0
	session := func(factor float64) *fake {
		return &fake{m: m, slow: func(int) time.Duration {
			calls++
			return time.Duration(1e6 * factor * (1 + jitter*r.Float64()) * (1 + drift*float64(calls)))
		}}
	}
	return m, session(1), session(1), session(factor)
}

func TestTurnsAreABBA(t *testing.T) {
	m := &machine{}
	var order []string
	named := func(name string) *fake {
		return &fake{m: m, perToken: time.Millisecond, slow: func(int) time.Duration { order = append(order, name); return 0 }}
	}
	done := 0
	c, err := Compare(context.Background(), subject(named("a")), subject(named("A")), subject(named("b")),
		Rounds{Spec: Spec{Generate: 1}, Clock: m.clock, Progress: func(d, of int) { done = d; require.Equal(t, 64, of) }})
	require.NoError(t, err)
	require.Equal(t, 64, done)
	require.Equal(t, []string{"a", "A", "b"}, order[:3], "to warm up")
	require.Equal(t, []string{"a", "b", "b", "a", "a", "A", "A", "a", "a", "b"}, order[3:13])
	require.Len(t, order, 3+8*8)
	require.Equal(t, Noise{Rounds: 8, Ratio: 1, Low: 1, High: 1}, c.Ratio)
	require.Equal(t, Undecided, c.Says)
	require.Len(t, c.B.Tests[0].Samples, 16)
	require.Len(t, c.A.Tests[0].Samples, 32, "the A/A check times a, too")
}

func TestADifferenceIsFoundInSpiteOfDrift(t *testing.T) {
	for _, c := range []struct {
		factor, jitter float64
		want           Direction
	}{{1.25, 0.02, Slower}, {0.8, 0.02, Faster}, {1, 0.02, Undecided}, {1.01, 0.5, Undecided}} {
		m, a, again, b := pair(3, c.factor, c.jitter, 0.001)
		got, err := Compare(context.Background(), subject(a), subject(again), subject(b), Rounds{Rounds: 12, Spec: Spec{Generate: 4}, Clock: m.clock})
		require.NoError(t, err)
		require.Equal(t, c.want, got.Says, "%+v: %s", c, got.Reading())
		if c.want != Undecided {
			require.InDelta(t, 1/c.factor, got.Ratio.Ratio, 0.01)
			require.Contains(t, got.Reading(), "B is "+string(c.want)+" by ")
		}
		require.LessOrEqual(t, got.Ratio.Low, got.Ratio.Ratio)
		require.GreaterOrEqual(t, got.Ratio.High, got.Ratio.Ratio)
		require.Contains(t, got.Reading(), "No difference can be judged below")
	}
}

func TestNoiseIsTheSameForTheSameTimes(t *testing.T) {
	var first *Noise
	for range 2 {
		m, a, again, _ := pair(5, 1, 0.2, 0)
		n, err := MeasureNoise(context.Background(), subject(a), subject(again), Rounds{Spec: Spec{Generate: 2}, Clock: m.clock})
		require.NoError(t, err)
		require.Greater(t, n.Spread, 0.0)
		require.InDelta(t, max(math.Abs(n.Low-1), math.Abs(n.High-1)), n.Spread, 1e-15)
		if first != nil {
			require.Equal(t, first, n)
		}
		first = n
	}
}

// TestFalseAlarms: of two equal models the interval excludes 1, and noise is exceeded, seldom.
func TestFalseAlarms(t *testing.T) {
	alarms, runs := 0, 400
	for i := range runs {
		m, a, again, b := pair(uint64(i), 1, 0.1, 0)
		c, err := Compare(context.Background(), subject(a), subject(again), subject(b), Rounds{Spec: Spec{Generate: 1}, Clock: m.clock})
		require.NoError(t, err)
		if c.Says != Undecided {
			alarms++
		}
	}
	t.Logf("%d of %d", alarms, runs)
	require.LessOrEqual(t, alarms, runs*5/100)
}
