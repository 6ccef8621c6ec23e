package parity

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/stretchr/testify/require"
)

// The test binary is the program when fakeVariable says what it does.
const fakeVariable = "PARITY_FAKE"

func TestMain(m *testing.M) {
	if how := os.Getenv(fakeVariable); how != "" {
		os.Exit(fake(how, os.Args[1:]))
	}
	os.Exit(m.Run())
}

const canned = "0.00 minutes\n[1]82.3609,[2]100.4984,[3]92.2592,[4]70.8098,\n"

func fake(how string, args []string) int {
	if slices.Equal(args, []string{"--version"}) && how != "no version" {
		if how != "silent" {
			fmt.Fprintln(os.Stderr, "version: 0.5.0-dev (build 1, commit 0c1e570)\nbuilt with a compiler")
		}
		return 0
	}
	switch how {
	case "no version", "refuse":
		fmt.Fprintf(os.Stderr, "%s\n0.00.017.715 E llama_model_load: error loading model: failed to load model from %s\n\x1b[31m0.00.017.757 E unable to load model\n\n", strings.Repeat("x", 600), args[1%len(args)])
		return 1
	case "refuse without a word":
		return 3
	case "arguments":
		b, _ := os.ReadFile(args[3])
		fmt.Fprintf(os.Stderr, "%q %q %q", args, b, os.Getenv("LLAMA_ARG_CTX_SIZE"))
		return 1
	case "hang":
		select {}
	case "garbage":
		fmt.Print("[7]5,[x]\x00[2]1,\n", strings.Repeat("nothing\n", 100_000))
	case "cut":
		fmt.Print("[1]82.3609,[2]100.4984,[3]9")
	case "first cut": // whole when run again
		if _, err := os.Stat(os.Getenv("PARITY_MARK")); err == nil {
			fmt.Print(canned)
		} else {
			_ = os.WriteFile(os.Getenv("PARITY_MARK"), nil, 0o600)
			fmt.Print("[1]82.3609,")
		}
	case "final":
		fmt.Fprint(os.Stderr, "0.1 I Final estimate: PPL = 70.8098 +/- 12.86701\n")
	case "nan":
		fmt.Print("[1]nan,[2]nan,[3]nan,[4]nan,")
	default:
		fmt.Print(canned)
	}
	return 0
}

// program is the fake one.
func program(t *testing.T, how string) *Program {
	t.Helper()
	t.Setenv(fakeVariable, how)
	exe, err := os.Executable()
	require.NoError(t, err)
	p, err := Find(context.Background(), exe)
	require.NoError(t, err)
	return p
}

var input = Input{Model: "some/model.gguf", Text: "a text\n", Tokens: 1000, Context: 128, Threads: 2}

// chunks are of two slices in turn; those of the first have a perplexity of 70.8098 after four and 82.3609 after one.
func chunks() []figure.ChunkStats {
	var out []figure.ChunkStats
	last := 0.0
	for i, ppl := range []float64{82.3609, 100.4984, 92.2592, 70.8098, 50} {
		sum := 63 * float64(i+1) * math.Log(ppl)
		out = append(out, figure.ChunkStats{Tokens: 63, NLL: sum - last}, figure.ChunkStats{Slice: 1, Tokens: 63, NLL: 1e6})
		last = sum
	}
	return out
}

func TestMeasure(t *testing.T) {
	t.Setenv("LLAMA_ARG_CTX_SIZE", "9")
	for _, c := range []struct {
		how        string
		perplexity float64
		chunks     int
		refused    string
		unmeasured string
	}{
		{how: "answer", perplexity: 70.8098, chunks: 4},
		{how: "silent", perplexity: 70.8098, chunks: 4},
		{how: "final", perplexity: 70.8098, chunks: 4},
		{how: "cut", perplexity: 100.4984, chunks: 2},
		{how: "first cut", perplexity: 70.8098, chunks: 4},
		{how: "nan", refused: "the perplexity there is NaN"},
		{how: "refuse", refused: "llama_model_load: error loading model: failed to load model from model.gguf; [31m0.00.017.757 E unable to load model"},
		{how: "refuse without a word", refused: "exit status 3"},
		{how: "arguments", refused: `["-m" "model.gguf" "-f"`},
		{how: "garbage", unmeasured: "llama-perplexity printed no perplexity"},
	} {
		t.Run(c.how, func(t *testing.T) {
			t.Setenv("PARITY_MARK", filepath.Join(t.TempDir(), "mark"))
			p := program(t, c.how)
			a, err := p.Measure(context.Background(), input)
			require.NoError(t, err)
			r := a.Against(chunks())
			if c.how != "silent" {
				require.Equal(t, "0.5.0-dev (build 1, commit 0c1e570)", r.Version)
			}
			require.Contains(t, r.Refused, c.refused)
			require.Contains(t, r.Unmeasured, c.unmeasured)
			require.Equal(t, []bool{c.refused != "", c.unmeasured != ""}, []bool{r.Refused != "", r.Unmeasured != ""}, r)
			require.LessOrEqual(t, len([]rune(r.Refused)), maxMessage)
			require.Equal(t, c.perplexity, r.Perplexity)
			require.Equal(t, c.chunks, r.Chunks)
			if c.chunks > 0 {
				require.InDelta(t, 0, *r.Difference, 1e-12)
				require.InDelta(t, c.perplexity, r.CaratPerplexity, 1e-9)
			} else {
				require.Nil(t, r.Difference)
			}
			if c.how == "arguments" { // text with a line end more, which the program leaves out
				require.Contains(t, r.Refused, `"-c" "128" "--chunks" "4" "-t" "2"] "a text\n\n" ""`)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	p := program(t, "hang")
	p.Limit = 50 * time.Millisecond
	r, err := p.Measure(context.Background(), input)
	require.NoError(t, err)
	require.Equal(t, "llama-perplexity: it took longer than the limit of 50ms", r.Unmeasured)
	p.Limit = 0
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = p.Measure(ctx, input)
	require.ErrorIs(t, err, context.Canceled)
	ctx, cancel = context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = p.Measure(ctx, input)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "carat-parity-*"))
	require.NoError(t, err)
	require.Empty(t, left)

	short := input
	short.Tokens = 255
	r, err = p.Measure(context.Background(), short)
	require.NoError(t, err)
	require.Equal(t, "llama-perplexity needs two chunks of 128 tokens, the first text has 255 tokens", r.Unmeasured)
	p.Path += "-gone"
	r, err = p.Measure(context.Background(), input)
	require.NoError(t, err)
	require.Equal(t, "llama-perplexity: it could not be started", r.Unmeasured)
}

func TestFind(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv(Variable, "")
	_, err := Find(context.Background(), "")
	require.ErrorContains(t, err, "llama-perplexity was not found: put it in PATH, or name it with --llama-perplexity")
	_, err = Find(context.Background(), filepath.Join(t.TempDir(), "none"))
	require.EqualError(t, err, "none is not a program that can be run")
	exe, err := os.Executable()
	require.NoError(t, err)
	t.Setenv(Variable, exe)
	t.Setenv(fakeVariable, "answer")
	p, err := Find(context.Background(), "")
	require.NoError(t, err)
	require.Equal(t, exe, p.Path)
	t.Setenv(fakeVariable, "no version")
	_, err = Find(context.Background(), "")
	require.ErrorContains(t, err, "--version failed: exit status 1: is it llama-perplexity, and does it run on this machine?")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = Find(ctx, "")
	require.ErrorIs(t, err, context.Canceled)
}

func TestAgainst(t *testing.T) {
	r := &Answer{estimates: estimates{running: []float64{80, 90}}, asked: 4}
	for n, want := range map[int]int{1: 1, 2: 1, 3: 2, 10: 2} { // slices come in turn
		got := r.Against(chunks()[:n])
		require.Equal(t, want, got.Chunks, n)
		require.InDelta(t, math.Abs(r.running[want-1]/got.CaratPerplexity-1), *got.Difference, 0)
	}
	require.Equal(t, "there is no chunk that both scored", r.Against(chunks()[1:2]).Unmeasured)
	require.Nil(t, (*Answer)(nil).Against(chunks()))
}

// A folder names the machine, and the end of a long line says more than its beginning.
func TestClean(t *testing.T) {
	for line, want := range map[string]string{
		"from /tmp/a-b/m.gguf: no": "from m.gguf: no", "'/a/m'": "'m'", `C:\x\y.gguf`: "y.gguf", "a/b and and/or 1/2": "a/b and and/or 1/2",
		"\x1b[1m\tx\xff\u202e": "[1m x\uFFFD",
	} {
		require.Equal(t, want, clean(line, 100))
	}
	require.Equal(t, "def", clean("abcdef", 3))
	require.Equal(t, "b; c", lastLines("aaa\nb\n\nc\n", 5))
}

func FuzzParse(f *testing.F) {
	f.Add(canned, "Final estimate: PPL = 70.8098 +/- 12.86701")
	f.Add("[1]nan,[2]-inf,[3]1e9", "")
	f.Add("[1]1[1]2[2]", "Final estimate: PPL = e")
	f.Add("[1]1.2.3,[1]4,[2]", "/a//b/ \\c")
	f.Fuzz(func(t *testing.T, stdout, stderr string) {
		e := parse(output{stdout, stderr})
		require.LessOrEqual(t, len(e.running), strings.Count(stdout, "["))
		r := &Answer{estimates: e, asked: 4}
		got := r.Against(chunks())
		require.True(t, got.Difference != nil != (got.Refused != "" || got.Unmeasured != ""))
		if got.Difference != nil {
			require.False(t, math.IsNaN(*got.Difference) || math.IsInf(*got.Difference, 0))
		}
		require.LessOrEqual(t, len([]rune(lastLines(stderr, maxMessage))), maxMessage)
	})
}
