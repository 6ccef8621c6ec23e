package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
)

// whole is an entry for a whole command's wall time. then, if not nil, reads figures from what it printed or wrote.
func (s *setup) whole(row, name string, argv []string, then func(outcome, map[string]float64) error) entry {
	return entry{row, name, func(ctx context.Context) (map[string]float64, error) {
		o, err := s.run(ctx, argv...)
		if err != nil {
			return nil, err
		}
		figures := map[string]float64{"s": o.wall, "rss": float64(o.rss)}
		if then != nil {
			err = then(o, figures)
		}
		return figures, err
	}}
}

// wall is a table of seconds with what the first of the peers' is of carat's.
func (s *setup) wall(r results, names []string, more string) string {
	t := newTable("", "seconds", "of carat's", more)
	first := r.lowest("", names[0], "s")
	for _, n := range names {
		extra := number(r.lowest("", n, more))
		if more == "resident, GB" {
			extra = number(r.lowest("", n, "rss") / 1e9)
		}
		t.row(n, of(r.lowest("", n, "s"), r.median("", n, "s")), ratio(r.lowest("", n, "s"), first), extra)
	}
	return "\n" + t.String()
}

// final is what llama-perplexity prints at its end.
var final = regexp.MustCompile(`Final estimate: PPL (?:over .*)?= ([0-9.]+)`)

var valued = regexp.MustCompile(`"perplexity":\s*\{\s*"value":\s*([0-9.]+)`)

// perplexity is the whole command on SmolLM2.
func perplexity(ctx context.Context, s *setup) (string, error) {
	if s.text == "" || s.folder == "" {
		return "", errors.New("--text and --checkpoint are missing")
	}
	model, err := s.models.smol(ctx, s.folder, "Q4_K_M")
	if err != nil {
		return "", err
	}
	threads := strconv.Itoa(s.threads)
	var entries []entry
	var lines, names []string
	add := func(name string, pattern *regexp.Regexp, argv ...string) {
		lines, names = append(lines, shown(argv)), append(names, name)
		entries = append(entries, s.whole("", name, argv, func(o outcome, f map[string]float64) error {
			m := pattern.FindSubmatch(append(o.stdout, o.stderr...))
			if m == nil {
				return errors.New("no perplexity was printed")
			}
			f["perplexity"], err = strconv.ParseFloat(string(m[1]), 64)
			return err
		}))
	}
	for _, m := range s.modes {
		add(m.name, valued, append([]string{s.models.carat, "eval", model, "--text", s.text, "--chunks", "20", "--json", "--threads", threads}, m.args...)...)
	}
	for _, p := range s.peers {
		add(p.name, final, append([]string{p.program("llama-perplexity"), "-m", model, "-f", s.text, "-c", "512", "--chunks", "20", "-t", threads}, repackFlag(p)...)...)
	}
	r, err := turns(ctx, s.rounds, s.until, entries)
	if err != nil {
		return "", err
	}
	return s.caption("Perplexity of SmolLM2-135M Q4_K_M, 20 chunks of 512, whole command") + "\n" + code(lines...) + s.wall(r, names, "perplexity") + failures(r.failed), nil
}

// repackFlag is that of programs other than llama-bench.
func repackFlag(p peer) []string {
	if len(p.extra) > 0 {
		return []string{"-rtr"}
	}
	return nil
}

// load is the time to a first token, whole commands with the file in the page cache.
func load(ctx context.Context, s *setup) (string, error) {
	out := s.caption("From nothing to the first token of 1.1B models in the page cache, whole commands")
	threads := strconv.Itoa(s.threads)
	for i, ft := range []string{"Q4_K_M", "Q8_0"} {
		model, err := s.models.random(ctx, "1b", ft)
		if err != nil {
			return "", err
		}
		var entries []entry
		var lines, names []string
		add := func(name string, argv ...string) {
			lines, names = append(lines, shown(argv)), append(names, name)
			entries = append(entries, s.whole("", name, argv, nil))
		}
		for _, m := range s.modes {
			add(m.name, append([]string{s.models.carat, "run", model, "-p", "the", "-n", "1", "--quiet", "--threads", threads}, m.args...)...)
		}
		for _, p := range s.peers {
			if _, err := os.Stat(p.program("llama-completion")); err == nil {
				add(p.name, p.program("llama-completion"), "-m", model, "-p", "the", "-n", "1", "-c", "512", "-t", threads, "--no-warmup", "-no-cnv")
			}
		}
		r, err := turns(ctx, max(s.rounds, 2), s.until, entries)
		if err != nil {
			return "", err
		}
		if i == 0 {
			out += "\n" + code(lines...)
		}
		out += fmt.Sprintf("\n#### %s to the first token\n", ft) + s.wall(r, names, "resident, GB") + failures(r.failed)
	}
	return out, nil
}
