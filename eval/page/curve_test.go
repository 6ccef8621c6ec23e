package page

import (
	"bytes"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// sampleCurve halves the divergence every 10 MB.
func sampleCurve() *Curve {
	c := &Curve{Name: "smollm2", Source: "Measured over 24 chunks of calibration.txt."}
	for i := range 61 {
		mb := 70 + i
		c.Best = append(c.Best, CurvePoint{Bytes: int64(mb) * 1e6, Bits: float64(mb) / 17, Divergence: 0.1 * math.Exp2(-float64(i)/10)})
	}
	c.Presets = []CurvePoint{{"IQ4_XS", 90.9e6, 5.3, 0.05}, {"Q4_K_M", 105.5e6, 6.2, 0.0143}, {"Q4_K_S", 105.1e6, 6.1, 0.0147}, {"Q2_K", 60e6, 3.5, 0.4}}
	c.Choice = &CurvePoint{"94 MB", 94e6, 5.53, 0.1 * math.Exp2(-2.4)}
	return c
}

func TestCurve(t *testing.T) {
	c := sampleCurve()
	var b bytes.Buffer
	require.NoError(t, c.SVG(&b))
	golden(t, "curve.svg", b.Bytes())
	b.Reset()
	require.NoError(t, c.HTML(&b))
	for _, want := range []string{"<td class=\"n\">105.5 MB</td><td class=\"n\">6.20</td>", "<small>-38\u00a0%</small>", "best types for each size", "Measured over 24 chunks"} {
		require.True(t, strings.Contains(b.String(), want), want)
	}

	require.EqualValues(t, 90e6, c.At(90.9e6).Bytes)
	require.EqualValues(t, 90e6, c.At(90e6).Bytes)
	require.Nil(t, c.At(69e6), "all are larger")
	require.EqualValues(t, 80e6, c.For(0.05).Bytes)
	require.Nil(t, c.For(1e-9))
	row := c.Rows()[1]
	require.Equal(t, "IQ4_XS", row.Name, "rows go by size")
	require.Equal(t, "-50 %", row.Fewer())
	require.Equal(t, "-12 %", row.Smaller())
}

// TestCurveOfAnything: names that attack, no points, divergences of zero.
func TestCurveOfAnything(t *testing.T) {
	attack := "</title><script>alert(1)</script>\x1b[31m"
	c := &Curve{Name: attack, Source: attack, Presets: []CurvePoint{{attack, 10, 1, 0}}, Choice: &CurvePoint{Name: attack}}
	for _, c := range []*Curve{c, {}, {Best: []CurvePoint{{}}}} {
		for _, draw := range []func(io.Writer) error{c.HTML, c.SVG} {
			var b bytes.Buffer
			require.NoError(t, draw(&b))
			require.NotContains(t, b.String(), "<script")
			require.NotContains(t, b.String(), "\x1b")
			require.False(t, strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf"))
		}
	}
}
