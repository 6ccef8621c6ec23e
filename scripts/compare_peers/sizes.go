package main

import (
	"context"
	"fmt"
)

// batches is prefill of few tokens: between decoding and prefill there should be no hole.
func batches(ctx context.Context, s *setup) (string, error) {
	w := work{prompts: []int{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}}
	if s.quick {
		w.prompts = w.prompts[:6]
	}
	model, err := s.models.random(ctx, "1b", "Q4_K_M")
	if err != nil {
		return "", err
	}
	r, err := turns(ctx, s.rounds, s.until, s.benchers("", model, w))
	if err != nil {
		return "", err
	}
	// A row for each of the figures that a run gives.
	rows := results{of: map[string]map[string][]float64{}}
	var names []string
	out := s.caption("Tokens evaluated at once, 1.1B Q4_K_M, tokens/s") + "\n" + s.benchCommands("1b-Q4_K_M.gguf", w)
	for _, n := range w.prompts {
		names = append(names, fmt.Sprint(n))
		for _, name := range s.names() {
			rows.of[key(fmt.Sprint(n), name)] = map[string][]float64{"rate": r.of[key("", name)][fmt.Sprintf("pp%d", n)]}
		}
	}
	return out + s.rates(rows, names, "rate") + failures(r.failed), nil
}

// depth is prefill and decoding behind 4096 tokens, in the cache types that all have.
func depth(ctx context.Context, s *setup) (string, error) {
	const shape, tokens = "135m", 4096
	model, err := s.models.random(ctx, shape, "Q8_0")
	if err != nil {
		return "", err
	}
	kinds := []string{"f32", "f16", "q8_0"}
	if s.quick {
		kinds = kinds[1:2]
	}
	var entries []entry
	w := work{prompts: []int{512}, generate: 24, depth: tokens}
	for _, kv := range kinds {
		w.kv = kv
		entries = append(entries, s.benchers(kv, model, w)...)
	}
	r, err := turns(ctx, s.rounds, s.until, entries)
	if err != nil {
		return "", err
	}
	w.kv = "KV"
	out := s.caption(fmt.Sprintf("Behind %d tokens, random Llama of SmolLM2-135M's shape in Q8_0, by type of carat's KV cache (the peers have F16 beside F32), tokens/s", tokens)) + "\n" + s.benchCommands("135m-Q8_0.gguf", w)
	out += "\n#### Prefill of 512 tokens at a depth\n" + s.rates(r, kinds, fmt.Sprintf("pp512@d%d", tokens))
	out += "\n#### Decoding at a depth\n" + s.rates(r, kinds, fmt.Sprintf("tg24@d%d", tokens))
	return out + failures(r.failed), nil
}

// large is decoding of the 7B shape, with the memory it takes.
func large(ctx context.Context, s *setup) (string, error) {
	if s.quick {
		return "Not measured in a quick run.\n", nil
	}
	model, err := s.models.random(ctx, "7b", "Q4_K_M")
	if err != nil {
		return "", err
	}
	w := work{prompts: []int{128}, generate: 16}
	r, err := turns(ctx, s.rounds, s.until, s.benchers("", model, w))
	if err != nil {
		return "", err
	}
	t := newTable("", "ms a token", "median", "prefill of 128, tokens/s", "resident, GB")
	for _, n := range s.names() {
		t.row(n, inverse(r.highest("", n, "tg16")), inverse(r.median("", n, "tg16")), number(r.highest("", n, "pp128")), number(r.lowest("", n, "rss")/1e9))
	}
	return s.caption("Random Llama of 7B weights in Q4_K_M") + "\n" + s.benchCommands("7b-Q4_K_M.gguf", w) + "\n" + t.String() + failures(r.failed), nil
}
