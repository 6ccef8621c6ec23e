package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/carat-llm/carat/internal/cpu"
)

// describe says in a line where and with what all was measured.
func (s *setup) describe(ctx context.Context) string {
	parts := []string{fmt.Sprintf("%s, %d cores, tier %s", cpu.Name(), cpu.Cores(), cpu.Current()), fmt.Sprintf("%d threads", s.threads)}
	if out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output(); err == nil {
		parts = append(parts, "carat "+strings.TrimSpace(string(out)))
	}
	seen := map[string]bool{}
	for _, p := range s.peers {
		if v := s.version(ctx, p); v != "" && !seen[v] {
			seen[v] = true
			parts = append(parts, p.name+" "+v)
		}
	}
	return fmt.Sprintf("%s; %s", strings.Join(parts, "; "), time.Now().Format(time.DateOnly))
}

// version is a peer's commit, as its llama-bench tells it.
func (s *setup) version(ctx context.Context, p peer) string {
	model, err := s.models.random(ctx, "tiny", "Q8_0")
	if err != nil {
		return ""
	}
	o, err := s.run(ctx, p.program("llama-bench"), "-m", model, "-t", "1", "-p", "1", "-n", "0", "-r", "1", "-o", "json")
	if err != nil {
		return ""
	}
	var tests []struct {
		Commit string `json:"build_commit"`
	}
	if json.Unmarshal(o.stdout, &tests) != nil || len(tests) == 0 {
		return ""
	}
	return tests[0].Commit
}

// caption says what a table's figures are.
func (s *setup) caption(what string) string {
	how := "one run each"
	if s.rounds > 1 {
		how = fmt.Sprintf("best of up to %d interleaved rounds, in brackets the median", s.rounds)
	}
	return fmt.Sprintf("%s; %s.\n", what, how)
}
