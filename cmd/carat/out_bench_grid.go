package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/eval/bench"
)

// printBenchGrid prints a line for each test of each configuration, and one for what a configuration as a whole takes.
func printBenchGrid(out io.Writer, results []*bench.Result) {
	names := configurations(results)
	t := newTable(out)
	t.row(cells(names[len(results)], "test", "tokens/s", "spread", "         p95", "weights GB/s", "of memory")...)
	for i, r := range results {
		for _, x := range r.Tests {
			p95, bytes := "", ""
			if q := x.FirstToken; q != nil {
				p95 = milliseconds(q.P95)
			}
			if q := x.InterToken; q != nil {
				p95 = milliseconds(q.P95)
			}
			if x.BytesPerSecond > 0 {
				bytes = fmt.Sprintf("%.2f", x.BytesPerSecond/1e9)
			}
			t.row(cells(names[i], x.Name, fmt.Sprintf("%8.2f", x.TokensPerSecond.Median), fmt.Sprintf("%6s", shareOf(x.TokensPerSecond.Relative())),
				fmt.Sprintf("%12s", p95), fmt.Sprintf("%12s", bytes), fmt.Sprintf("%9s", shareOf(r.ReadShare(x))))...)
		}
	}
	t.flush()
	fmt.Fprintln(out)
	t = newTable(out)
	t.row(cells(names[len(results)], "memory gives", "peak memory", "load to first token", "A/A spread", "energy")...)
	for i, r := range results {
		var memoryGives, load, noise, energy string
		if r.ReadBandwidth > 0 {
			memoryGives = fmt.Sprintf("%.2f GB/s", r.ReadBandwidth/1e9)
		}
		if r.Load != nil {
			load = loadTimes(r.Load)
		}
		if r.Noise != nil {
			noise = fmt.Sprintf("%.1f %%", 100*r.Noise.Spread)
		}
		if r.Energy != nil {
			energy = fmt.Sprintf("%.3f J a token", r.Energy.JoulesPerToken)
		}
		t.row(cells(names[i], fmt.Sprintf("%12s", memoryGives), fmt.Sprintf("%11s", memory(r.PeakMemory)), load, noise, energy)...)
	}
	t.flush()
	fmt.Fprintf(out, "\nSpread is from the least to the most of the repetitions; p95 that of a token when decoding, of the first with a prompt.\nProcessor: %s\n", orUnknown(results[0].CPU))
}

// configurations names each of results by what they do not have in common, and the columns of those names at the end.
func configurations(results []*bench.Result) [][]string {
	names := make([][]string, len(results)+1)
	for _, column := range []struct {
		name string
		of   func(*bench.Result) string
	}{
		{"model", func(r *bench.Result) string { return r.Model }},
		{"threads", func(r *bench.Result) string { return strconv.Itoa(r.Threads) }},
		{"compute", func(r *bench.Result) string { return r.Compute }},
		{"cache", func(r *bench.Result) string { return r.KVType }},
	} {
		differ := false
		for _, r := range results {
			differ = differ || column.of(r) != column.of(results[0])
		}
		if !differ {
			continue
		}
		for i, r := range results {
			names[i] = append(names[i], column.of(r))
		}
		names[len(results)] = append(names[len(results)], column.name)
	}
	if len(names[0]) == 0 { // all are the same
		for i, r := range results {
			names[i] = []string{r.Model}
		}
		names[len(results)] = []string{"model"}
	}
	return names
}

// cells are a name's parts and what follows, as a table takes them.
func cells(name []string, more ...string) []any {
	var row []any
	for _, s := range append(name[:len(name):len(name)], more...) {
		row = append(row, strings.TrimRight(s, " "))
	}
	return row
}
