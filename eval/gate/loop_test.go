package gate

import (
	"context"
	"errors"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

func TestPlan(t *testing.T) {
	for _, c := range []struct {
		start, max int
		want       []int
	}{
		{16, 16, []int{16}}, {16, 64, []int{16, 32, 64}}, {16, 65, []int{16, 32, 64, 65}}, {16, 40, []int{16, 32, 40}}, {1, 1 << 40, nil},
	} {
		got := planned(c.start, c.max)
		if c.want != nil {
			require.Equal(t, c.want, got)
		}
		require.Equal(t, c.max, got[len(got)-1])
	}
}

func TestLoop(t *testing.T) {
	run := func(gates string, text int, more ...string) (*report.Report, []int) {
		var asked []int
		l := Loop{Policy: policy(t, gates, append(more, "tokens: 800", "max_tokens: 3200")...), Measure: func(_ context.Context, tokens int) (*report.Report, error) {
			asked = append(asked, tokens)
			return even(min(text, tokens/100), 0.04), nil
		}}
		r, err := l.Run(context.Background())
		require.NoError(t, err)
		return r, asked
	}
	r, asked := run(`{metric: kld.mean, value: 1}`, 100)
	require.Equal(t, []int{800}, asked, "a clear case stops early")
	require.Equal(t, 1, r.Gate.Looks)
	unsure := `{metric: kld.mean, value: 0.0401, confidence: 0.9999}`
	r, asked = run(unsure, 100)
	require.Equal(t, []int{800, 1600, 3200}, asked)
	require.Equal(t, 3, r.Gate.ExitCode)
	require.Equal(t, 3200, r.Gate.Tokens)
	_, asked = run(unsure, 12)
	require.Equal(t, []int{800, 1600, 3200}, asked, "the text ends at 1200")
	_, asked = run(unsure, 8)
	require.Equal(t, []int{800, 1600}, asked)
	_, asked = run(unsure+`, {metric: bytes, value: 1}`, 100)
	require.Equal(t, []int{800}, asked, "a failure is final")
	_, asked = run(`{metric: kld.mean, value: 0.0401, confidence: 0.9999, level: warn}`, 100)
	require.Equal(t, []int{800}, asked, "no tokens are spent on warnings")

	broken := errors.New("broken")
	l := Loop{Policy: policy(t, unsure), Measure: func(context.Context, int) (*report.Report, error) { return even(3, 1), broken }}
	part, err := l.Run(context.Background())
	require.ErrorIs(t, err, broken)
	require.NotNil(t, part)
	require.Nil(t, part.Gate)

	l = Loop{Policy: policy(t, unsure), Available: 1600, Measure: func(_ context.Context, tokens int) (*report.Report, error) {
		require.Equal(t, 1600, tokens)
		return even(16, 0.04), nil
	}}
	r, err = l.Run(context.Background())
	require.NoError(t, err)
	require.Equal(t, 1, r.Gate.Looks, "looks that cannot be are not planned")
}
