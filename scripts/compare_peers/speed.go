package main

import (
	"context"
	"fmt"
)

// speed is prefill and decoding of the 1B shape in every type.
func speed(ctx context.Context, s *setup) (string, error) {
	w := work{prompts: []int{256, 512}, generate: 24}
	if s.quick {
		w.prompts = w.prompts[:1]
	}
	var entries []entry
	for _, t := range s.types {
		model, err := s.models.random(ctx, "1b", t)
		if err != nil {
			return "", err
		}
		entries = append(entries, s.benchers(t, model, w)...)
	}
	r, err := turns(ctx, s.rounds, s.until, entries)
	if err != nil {
		return "", err
	}
	model := "1b-T.gguf"
	out := s.caption("Random Llama of 1.1B weights, tokens/s") + "\n" + code("go run ./scripts/synth --shape 1b --type T -o 1b-T.gguf") + s.benchCommands(model, w)
	for _, n := range w.prompts {
		out += fmt.Sprintf("\n#### Prefill of %d tokens\n", n) + s.rates(r, s.types, fmt.Sprintf("pp%d", n))
	}
	out += "\n#### Decoding\n" + s.rates(r, s.types, "tg24")
	return out + s.bandwidth(r, s.types) + failures(r.failed), nil
}

// benchCommands are the commands that were run, one a column.
func (s *setup) benchCommands(model string, w work) string {
	var lines []string
	for _, m := range s.modes {
		lines = append(lines, shown(s.caratBench(m, model, w)))
	}
	for _, p := range s.peers {
		lines = append(lines, shown(s.peerBench(p, model, w))+"   # "+p.name)
	}
	return code(lines...)
}

// rates is a table of one figure, and what carat's are of the peers'.
func (s *setup) rates(r results, rows []string, figure string) string {
	columns := append([]string{""}, s.names()...)
	compared := len(s.peers) > 0
	if compared {
		for _, m := range s.modes {
			columns = append(columns, m.name+" / fastest peer")
			if s.mainline() != "" && len(s.peers) > 1 {
				columns = append(columns, m.name+" / "+s.mainline())
			}
		}
	}
	t := newTable(columns...)
	for _, k := range rows {
		row := []string{k}
		for _, n := range s.names() {
			row = append(row, of(r.highest(k, n, figure), r.median(k, n, figure)))
		}
		best := 0.0
		for _, p := range s.peers {
			best = max(best, r.highest(k, p.name, figure))
		}
		if compared {
			for _, m := range s.modes {
				rate := r.highest(k, m.name, figure)
				row = append(row, ratio(rate, best))
				if s.mainline() != "" && len(s.peers) > 1 {
					row = append(row, ratio(rate, r.highest(k, s.mainline(), figure)))
				}
			}
		}
		t.row(row...)
	}
	return "\n" + t.String()
}

// bandwidth is how much of the memory's read bandwidth decoding uses, by carat's own figures of the same runs.
func (s *setup) bandwidth(r results, rows []string) string {
	columns := []string{""}
	for _, m := range s.modes {
		columns = append(columns, m.name+", GB/s", "memory, GB/s", "share")
	}
	t := newTable(columns...)
	measured := false
	for _, k := range rows {
		row := []string{k}
		for _, m := range s.modes {
			bytes, memory := r.highest(k, m.name, "bytes"), r.highest(k, m.name, "bandwidth")
			measured = measured || memory > 0
			row = append(row, number(bytes/1e9), number(memory/1e9), ratio(bytes, memory))
		}
		t.row(row...)
	}
	if !measured {
		return ""
	}
	return "\n#### Decoding, beside what memory gives in the same run\n\n" + t.String()
}
