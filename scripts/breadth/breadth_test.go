package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const events = `{"Action":"start","Package":"p"}
{"Action":"output","Package":"p","Test":"TestGoldenLogits/a","Output":"    x_test.go:1: exception: of a reason\n"}
{"Action":"output","Package":"p","Test":"TestGoldenLogits/a","Output":"    x_test.go:2: largest distance of a logit: 6.3e-06\n"}
{"Action":"output","Package":"p","Test":"TestGoldenLogits/a","Output":"    x_test.go:2: largest distance of an element: 7.0e-06\n"}
{"Action":"pass","Package":"p","Test":"TestGoldenLogits/a","Elapsed":0.1}
{"Action":"fail","Package":"p","Test":"TestGoldenLogits/b","Elapsed":0.1}
{"Action":"output","Package":"p","Test":"TestGoldenLogits","Output":"    x_test.go:3: matched 1 of 2; left out: []\n"}
{"Action":"skip","Package":"p","Test":"TestGoldenIDs","Elapsed":0}
`

func TestRead(t *testing.T) {
	results := map[string]*result{}
	require.NoError(t, read(strings.NewReader(events), results))
	require.Equal(t, &result{ran: true, passed: true, distances: []float64{6.3e-6, 7e-6}, exception: "of a reason"}, results["TestGoldenLogits/a"])
	require.Equal(t, &result{ran: true}, results["TestGoldenLogits/b"])
	require.Equal(t, &result{matched: 1, of: 2}, results["TestGoldenLogits"])
	require.False(t, results["TestGoldenIDs"].green(), "a skipped test is not green")
	require.Error(t, read(strings.NewReader("not JSON"), results))
}

// TestGreen: one cell that is not as it should be is enough.
func TestGreen(t *testing.T) {
	ok, failed, took := &result{ran: true, passed: true, matched: 2, of: 2}, &result{ran: true}, answer{true, ""}
	good := row{"llama", "llama", ok, ok, took, took}
	refused := answer{false, "carat: " + unfit["gemma4"]}
	for name, c := range map[string]struct {
		row   row
		green bool
		cell  string
	}{
		"good":           {good, true, "ok"},
		"convert":        {row{"llama", "llama", failed, ok, took, took}, false, "FAILED"},
		"no logits":      {row{"llama", "llama", ok, nil, took, took}, false, "FAILED"},
		"verify":         {row{"llama", "llama", ok, ok, answer{}, took}, false, "FAILED"},
		"run":            {row{"llama", "llama", ok, ok, took, answer{false, "a reason"}}, false, "a reason"},
		"both refuse":    {row{"gemma4", "gemma4", ok, ok, refused, refused}, true, "refused"},
		"one refuses":    {row{"gemma4", "gemma4", ok, ok, refused, took}, false, "FAILED"},
		"another reason": {row{"gemma4", "gemma4", ok, ok, refused, answer{false, "other"}}, false, "other"},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			x := table{[]row{good, c.row}, []summary{{"files", ok}}}
			require.NoError(t, x.write(&b))
			require.Equal(t, c.green, x.green())
			require.Contains(t, b.String(), c.cell)
			require.Contains(t, b.String(), "2 of 2")
		})
	}
	var b strings.Builder
	x := table{[]row{good}, []summary{{"texts", failed}, {"others", nil}}}
	require.NoError(t, x.write(&b))
	require.False(t, x.green())
	require.Contains(t, b.String(), "0 of 0: FAILED")
	require.Contains(t, b.String(), "not run: FAILED")
}
