package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// mainline is the role of the llama.cpp that the exact computation is compared with.
const mainline = "mainline"

// peer is another program's build.
type peer struct {
	name, dir, role string
	ik              bool
	extra           []string // arguments of llama-bench
}

func (p peer) program(name string) string { return filepath.Join(p.dir, name) }

// mode is a way in which carat computes.
type mode struct {
	name string   // of the column
	args []string // of every verb that computes
}

// fast and exact are the names of carat's columns; before there were two ways there was one, which was exact.
const (
	fast  = "carat fast"
	exact = "carat exact"
)

// modesOf asks carat's help what it can.
func modesOf(ctx context.Context, r runner, carat string) ([]mode, error) {
	o, err := r.run(ctx, carat, "bench", "--help")
	if err != nil {
		return nil, err
	}
	if !bytes.Contains(o.stdout, []byte("--compute")) {
		return []mode{{exact, nil}}, nil
	}
	return []mode{{fast, []string{"--compute", "fast"}}, {exact, []string{"--compute", "exact"}}}, nil
}

// work is what a bench run measures.
type work struct {
	prompts         []int
	generate, depth int
	kv              string // type of the KV cache, "" for the program's own
}

// caratBench is the command that measures w with carat.
func (s *setup) caratBench(m mode, model string, w work) []string {
	args := []string{s.models.carat, "bench", model, "-p", list(w.prompts), "-n", strconv.Itoa(w.generate), "-r", "1", "--no-load", "--threads", strconv.Itoa(s.threads), "-o", "jsonl"}
	if w.depth > 0 {
		args = append(args, "-d", strconv.Itoa(w.depth))
	}
	if w.kv != "" {
		args = append(args, "--kv-type", w.kv)
	}
	return append(args, m.args...)
}

// peerBench is the command that measures w with a peer's llama-bench.
func (s *setup) peerBench(p peer, model string, w work) []string {
	prompts, generate := list(w.prompts), strconv.Itoa(w.generate)
	args := []string{p.program("llama-bench"), "-m", model, "-t", strconv.Itoa(s.threads), "-r", "1", "-o", "json"}
	switch {
	case w.depth > 0 && p.ik: // which knows decoding behind a prompt only
		args = append(args, "-p", "0", "-n", "0", "-gp", fmt.Sprintf("%d,%d", w.depth, w.generate))
	case w.depth > 0:
		args = append(args, "-p", prompts, "-n", generate, "-d", strconv.Itoa(w.depth))
	default:
		args = append(args, "-p", prompts, "-n", generate)
	}
	if kv := w.kv; kv != "" {
		if kv == "f32" { // which llama-bench does not take
			kv = "f16"
		}
		args = append(args, "-ctk", kv, "-ctv", kv, "-fa", "1")
	}
	return append(args, p.extra...)
}

// benchers are entries of a row for all of carat's modes and all peers, with figures "pp256", "tg24@d4096", "bandwidth", "rss".
func (s *setup) benchers(row, model string, w work) []entry {
	var all []entry
	add := func(name string, argv []string, parse func([]byte) (map[string]float64, error)) {
		all = append(all, entry{row, name, func(ctx context.Context) (map[string]float64, error) {
			o, err := s.run(ctx, argv...)
			if err != nil {
				return nil, err
			}
			figures, err := parse(o.stdout)
			if err == nil && figures["rss"] == 0 {
				figures["rss"] = float64(o.rss)
			}
			return figures, err
		}})
	}
	for _, m := range s.modes {
		add(m.name, s.caratBench(m, model, w), parseCarat)
	}
	for _, p := range s.peers {
		add(p.name, s.peerBench(p, model, w), parsePeer)
	}
	return all
}

// parseCarat reads carat bench -o jsonl: tokens per second by test.
func parseCarat(out []byte) (map[string]float64, error) {
	figures := map[string]float64{}
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		var t struct {
			Test   string `json:"test"`
			Tokens struct {
				Median float64 `json:"median"`
			} `json:"tokens_per_second"`
			Bytes     float64 `json:"bytes_per_second"`
			Bandwidth float64 `json:"read_bandwidth"`    // bytes a second
			Peak      float64 `json:"peak_memory_bytes"` // without what measuring the bandwidth took
		}
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			return nil, fmt.Errorf("carat bench printed %q: %w", lines.Text(), err)
		}
		figures[t.Test], figures["rss"] = t.Tokens.Median, t.Peak
		if t.Bytes > 0 {
			figures["bytes"], figures["bandwidth"] = t.Bytes, t.Bandwidth
		}
	}
	if len(figures) == 0 {
		return nil, fmt.Errorf("carat bench printed no test")
	}
	return figures, nil
}

// parsePeer reads llama-bench -o json.
func parsePeer(out []byte) (map[string]float64, error) {
	var tests []struct {
		Prompt int     `json:"n_prompt"`
		Gen    int     `json:"n_gen"`
		Depth  int     `json:"n_depth"`
		Test   string  `json:"test"` // ik_llama.cpp's
		Rate   float64 `json:"avg_ts"`
	}
	start := max(bytes.Index(out, []byte("[\n")), 0) // behind what else was said
	if err := json.Unmarshal(out[start:], &tests); err != nil {
		return nil, fmt.Errorf("llama-bench printed %.100q: %w", out, err)
	}
	figures := map[string]float64{}
	for _, t := range tests {
		if strings.Contains(t.Test, "@pp") {
			t.Depth, t.Prompt = t.Prompt, 0
		}
		name := fmt.Sprintf("pp%d", t.Prompt)
		if t.Gen > 0 {
			name = fmt.Sprintf("tg%d", t.Gen)
		}
		if t.Depth > 0 {
			name += fmt.Sprintf("@d%d", t.Depth)
		}
		figures[name] = t.Rate
	}
	return figures, nil
}

// names are the columns' names: carat's modes, then the peers.
func (s *setup) names() []string {
	var all []string
	for _, m := range s.modes {
		all = append(all, m.name)
	}
	for _, p := range s.peers {
		all = append(all, p.name)
	}
	return all
}

// mainline is llama.cpp's name, "" when it is not here.
func (s *setup) mainline() string {
	if i := slices.IndexFunc(s.peers, func(p peer) bool { return p.role == mainline }); i >= 0 {
		return s.peers[i].name
	}
	return ""
}

func list(n []int) string {
	if len(n) == 0 {
		return "0"
	}
	words := make([]string, len(n))
	for i, v := range n {
		words[i] = strconv.Itoa(v)
	}
	return strings.Join(words, ",")
}
