package eval

import (
	"math"
	"slices"
)

// moments accumulates sums of values in the order they come.
type moments struct {
	n       int
	sum, sq float64
}

func (m *moments) add(x float64) { m.n++; m.sum += x; m.sq += x * x }

func (m *moments) mean() float64 { return m.sum / float64(m.n) }

// stderr is the standard error of the mean, values taken as independent: sqrt((E[x²]-E[x]²)/(n-1)).
func (m *moments) stderr() float64 {
	if m.n < 2 {
		return 0
	}
	mean := m.mean()
	return math.Sqrt(math.Max(0, m.sq/float64(m.n)-mean*mean) / float64(m.n-1))
}

// clusters accumulates one mean a chunk.
type clusters struct {
	means   moments
	current moments
}

func (c *clusters) add(x float64) { c.current.add(x) }

func (c *clusters) end() {
	if c.current.n > 0 {
		c.means.add(c.current.mean())
	}
	c.current = moments{}
}

// stderr is sd(chunk means)/sqrt(chunks); chunks have the same number of tokens.
func (c *clusters) stderr() float64 { return c.means.stderr() }

// covariance of paired values, from sums.
type covariance struct {
	x, y moments
	xy   float64
}

func (c *covariance) add(x, y float64) { c.x.add(x); c.y.add(y); c.xy += x * y }

// ofMeans is the covariance of the two means.
func (c *covariance) ofMeans() float64 {
	if c.x.n < 2 {
		return 0
	}
	return (c.xy/float64(c.x.n) - c.x.mean()*c.y.mean()) / float64(c.x.n-1)
}

// correlation is Pearson's, 1 where a side does not vary.
func (c *covariance) correlation() float64 {
	d := c.x.stderr() * c.y.stderr()
	if d == 0 {
		return 1
	}
	return c.ofMeans() / d
}

// percentile interpolates linearly between the closest ranks of sorted; p from 0 to 1.
func percentile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := p * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	f := at - float64(i)
	return sorted[i]*(1-f) + sorted[i+1]*f
}

func sorted(v []float64) []float64 {
	s := slices.Clone(v)
	slices.Sort(s)
	return s
}
