package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/display"
)

// showBench prints what was measured: all as JSON, or the results of its models.
func showBench(g global, o benchOptions, all any, results ...*bench.Result) error {
	switch {
	case g.json:
		return printJSON(g.out, all)
	case o.Output != "table":
		return bench.Write(g.out, bench.Format(o.Output), results...)
	case g.quiet:
		return nil
	}
	switch x := all.(type) {
	case *bench.Comparison:
		printBenchComparison(g.out, x)
	case benchGrid:
		printBenchGrid(g.out, x.Configurations)
	default:
		printBench(g.out, results[0])
	}
	return nil
}

func printBench(out io.Writer, r *bench.Result) {
	t := newTable(out)
	t.row("test", "tokens/s", "     min", "     max", "first token", "inter-token p50", "     p95", "     p99", "     max", "weights GB/s", "of memory")
	for _, x := range r.Tests {
		printBenchTest(t, x.Name, x, fmt.Sprintf("%9s", shareOf(r.ReadShare(x))))
	}
	t.flush()
	fmt.Fprintln(out)
	t = newTable(out)
	t.row("processor", fmt.Sprintf("%s, %d threads; computed %s", orUnknown(r.CPU), r.Threads, report.Computation{Compute: r.Compute, KVType: r.KVType}))
	if r.Load != nil {
		t.row("load to first token", loadTimes(r.Load))
	}
	if r.ReadBandwidth > 0 {
		t.row("memory gives", fmt.Sprintf("%.2f GB/s to %d threads", r.ReadBandwidth/1e9, r.Threads))
	}
	t.row("memory", fmt.Sprintf("peak %s; mapped weights %s; session %s", memory(r.PeakMemory), display.Bytes(r.MappedBytes), display.Bytes(r.SessionBytes)))
	t.row("a token", fmt.Sprintf("reads %s of weights, %.1f million multiply-adds", display.Bytes(r.WeightBytes), float64(r.MultiplyAdds)/1e6))
	if e := r.Energy; e != nil {
		t.row("energy of decoding", fmt.Sprintf("%.3f J a token, %.3f without the idle machine's %.1f W", e.JoulesPerToken, e.IdleJoulesPerToken, e.IdleWatts))
	} else {
		t.row("energy", "no counter is readable")
	}
	if n := r.Noise; n != nil {
		t.row("noise (A/A)", fmt.Sprintf("%.4f (%.4f to %.4f, %d rounds): no difference can be judged below %.1f %%", n.Ratio, n.Low, n.High, n.Rounds, 100*n.Spread))
	}
	t.flush()
}

func loadTimes(l *bench.Load) string {
	cold := l.Note
	if l.Cold > 0 {
		cold = "cold " + strings.TrimSpace(milliseconds(l.Cold))
	}
	return fmt.Sprintf("warm %s; %s", strings.TrimSpace(milliseconds(l.Warm)), cold)
}

// shareOf prints a share, nothing for 0.
func shareOf(share float64) string {
	if share <= 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

func printBenchComparison(out io.Writer, c *bench.Comparison) {
	t := newTable(out)
	t.row(c.Test, "tokens/s", "     min", "     max", "first token", "inter-token p50", "     p95", "     p99", "     max", "weights GB/s", "")
	for i, r := range []*bench.Result{c.A, c.B} {
		printBenchTest(t, string(rune('A'+i)), r.Tests[0], strings.Join(configurations([]*bench.Result{c.A, c.B})[i], ", "))
	}
	t.flush()
	fmt.Fprintf(out, "\n%s\n", c.Reading()) // two lines, of numbers
}

func printBenchTest(t *textTable, name string, x bench.Test, more ...any) {
	s := x.TokensPerSecond
	row := []any{name, fmt.Sprintf("%8.2f", s.Median), fmt.Sprintf("%8.2f", s.Min), fmt.Sprintf("%8.2f", s.Max)}
	if q := x.FirstToken; q != nil {
		row = append(row, fmt.Sprintf("%11s", milliseconds(q.P50)))
	} else {
		row = append(row, "")
	}
	if q := x.InterToken; q != nil {
		row = append(row, fmt.Sprintf("%15s", milliseconds(q.P50)), milliseconds(q.P95), milliseconds(q.P99), milliseconds(q.Max))
	} else {
		row = append(row, "", "", "", "")
	}
	bandwidth := ""
	if x.BytesPerSecond > 0 {
		bandwidth = fmt.Sprintf("%12.2f", x.BytesPerSecond/1e9)
	}
	t.row(append(append(row, bandwidth), more...)...)
}

// milliseconds prints seconds, flush right in 8 columns or more.
func milliseconds(seconds float64) string {
	return fmt.Sprintf("%5.*f ms", digits(1e3*seconds), 1e3*seconds)
}

// digits after the point that leave four in all.
func digits(v float64) int {
	switch {
	case v < 10:
		return 3
	case v < 100:
		return 2
	case v < 1000:
		return 1
	}
	return 0
}

func memory(n int64) string {
	if n == 0 {
		return "unknown on this system"
	}
	return display.Bytes(n)
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown processor"
	}
	return s
}
