package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParsePeer(t *testing.T) {
	for _, c := range []struct {
		out  string
		want map[string]float64
	}{
		{"warming up\n[\n {\"n_prompt\": 256, \"n_gen\": 0, \"n_depth\": 0, \"avg_ts\": 100.5},\n {\"n_prompt\": 0, \"n_gen\": 24, \"n_depth\": 4096, \"avg_ts\": 20}\n]\n",
			map[string]float64{"pp256": 100.5, "tg24@d4096": 20}},
		{`[{"n_prompt": 4096, "n_gen": 24, "test": "tg24@pp4096", "avg_ts": 30}]`, map[string]float64{"tg24@d4096": 30}},
		{`[{"n_prompt": 0, "n_gen": 24, "test": "tg24", "avg_ts": 30}]`, map[string]float64{"tg24": 30}},
	} {
		got, err := parsePeer([]byte(c.out))
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	_, err := parsePeer([]byte("main: error: failed to load model"))
	require.ErrorContains(t, err, "failed to load model")
}

func TestParseCarat(t *testing.T) {
	got, err := parseCarat([]byte(`{"test":"pp256","tokens_per_second":{"median":90}}
{"test":"tg24","tokens_per_second":{"median":13},"bytes_per_second":8e9,"read_bandwidth":4e10,"peak_memory_bytes":5e9}
`))
	require.NoError(t, err)
	require.Equal(t, map[string]float64{"pp256": 90, "tg24": 13, "bytes": 8e9, "bandwidth": 4e10, "rss": 5e9}, got)
	_, err = parseCarat(nil)
	require.Error(t, err)
}

// Turns interleaves, leaves out what failed, and begins no second round when time is over.
func TestTurns(t *testing.T) {
	var order []string
	e := func(name string, fails bool) entry {
		return entry{"row", name, func(context.Context) (map[string]float64, error) {
			order = append(order, name)
			if fails {
				return nil, errors.New("broken")
			}
			return map[string]float64{"s": float64(len(order))}, nil
		}}
	}
	entries := []entry{e("a", false), e("b", true), e("c", false)}
	r, err := turns(context.Background(), 3, time.Now().Add(time.Hour), entries)
	require.NoError(t, err)
	require.Equal(t, "a b c a c a c", strings.Join(order, " "))
	require.Equal(t, []string{"row b: broken"}, r.failed)
	require.Equal(t, []float64{1, 4, 6}, r.of[key("row", "a")]["s"])
	require.Equal(t, [3]float64{1, 6, 4}, [3]float64{r.lowest("row", "a", "s"), r.highest("row", "a", "s"), r.median("row", "a", "s")})
	require.Zero(t, r.highest("row", "b", "s"))

	order = nil
	_, err = turns(context.Background(), 3, time.Now(), entries)
	require.NoError(t, err)
	require.Equal(t, "a b c", strings.Join(order, " "))
}

func TestReplaced(t *testing.T) {
	const document = "# Title\n\nBefore.\n"
	one, err := replaced(document, "speed", "old\n")
	require.NoError(t, err)
	two, err := replaced(one+"After.\n", "speed", "new\n")
	require.NoError(t, err)
	require.Equal(t, strings.Replace(one, "old", "new", 1)+"After.\n", two)
	require.True(t, strings.HasPrefix(two, document))
	_, err = replaced(strings.Split(two, "new")[0], "speed", "newer\n")
	require.ErrorContains(t, err, "has no end")
}

func TestNeighbours(t *testing.T) {
	require.InDelta(t, 1+2+3+6+7+8, busySeconds("cpu  100 200 300 400 500 600 700 800 0 0\ncpu0 1 2\n"), 1e-9)
	require.Negative(t, busySeconds("cpu 1 2 3"))
	require.Negative(t, busySeconds(""))
	n := neighbours{begin: time.Now().Add(-10 * time.Second), busy: watch(0).busy - 6, own: 1} // of 20 s, 6 were work
	share, ok := n.share(5, 2)                                                                 // and 4 of them the commands'
	if !ok {
		t.Skip("/proc/stat is not here")
	}
	require.InDelta(t, 0.1, share, 0.05)
	require.Contains(t, n.say(5, 2), "busy")
}

// A whole section from programs that only print.
func TestSpeed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs are shell scripts")
	}
	dir := t.TempDir()
	program := func(name, prints string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\ncat <<'END'\n"+prints+"\nEND\n"), 0o755))
		return path
	}
	carat := program("carat", `{"test":"pp256","tokens_per_second":{"median":300}}
{"test":"tg24","tokens_per_second":{"median":60},"bytes_per_second":30e9,"read_bandwidth":40e9}`)
	program("lc/llama-bench", `[{"n_prompt": 256, "n_gen": 0, "avg_ts": 200}, {"n_prompt": 0, "n_gen": 24, "avg_ts": 50}]`)
	program("ik/llama-bench", `[{"n_prompt": 256, "n_gen": 0, "avg_ts": 400}, {"n_prompt": 0, "n_gen": 24, "avg_ts": 40}]`)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "1b-Q4_0.gguf"), nil, 0o600))
	s := &setup{runner: runner{limit: time.Minute, log: io.Discard, under: []string{"env", "-u", "NOTHING"}, used: new(float64)}, threads: 2, rounds: 1, quick: true, types: []string{"Q4_0"},
		modes: []mode{{fast, []string{"--compute", "fast"}}},
		peers: []peer{{name: "llama.cpp", dir: filepath.Join(dir, "lc"), role: mainline}, {name: "ik", dir: filepath.Join(dir, "ik"), ik: true}}}
	s.models = models{runner: s.runner, dir: dir, carat: carat}
	out, err := speed(context.Background(), s)
	require.NoError(t, err)
	require.Contains(t, out, "| Q4_0 | 300 | 200 | 400 | **0.75** | **1.50** |")
	require.Contains(t, out, "| Q4_0 | 60.0 | 50.0 | 40.0 | **1.20** | **1.20** |")
	require.Contains(t, out, "| Q4_0 | 30.0 | 40.0 | **0.75** |")
	require.Contains(t, out, "    carat bench 1b-T.gguf -p 256 -n 24 -r 1 --no-load --threads 2 -o jsonl --compute fast\n")
	require.NotContains(t, out, dir, "folders of this machine")
}
