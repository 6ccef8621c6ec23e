package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

var (
	tiny     = filepath.Join("..", "..", "testdata", "tiny-llama")
	evalFile = filepath.Join("..", "..", "testdata", "eval.txt")
	reranker = filepath.Join("..", "..", "testdata", "encoders", "xlm-roberta-rank")
)

// carat runs a command line and returns its exit code and what it printed.
func carat(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	code = run(ctx, append([]string{"carat"}, args...), streams{nil, &out, &err})
	return code, out.String(), err.String()
}

func mustCarat(t *testing.T, args ...string) {
	t.Helper()
	code, _, stderr := carat(context.Background(), args...)
	require.Zero(t, code, stderr)
}

// countdown is a context that is cancelled when it was asked often enough.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestImatrixResume: interrupted and gone on from, on other numbers of threads, is the same file.
func TestImatrixResume(t *testing.T) {
	dir := t.TempDir()
	whole, out := filepath.Join(dir, "whole.gguf"), filepath.Join(dir, "out.gguf")
	collect := []string{"imatrix", tiny, "--text", evalFile, "--ctx", "64", "--chunks", "8", "--save-every", "2"}
	mustCarat(t, append(collect, "-o", whole, "--threads", "1")...)
	collect = append(collect, "-o", out, "--threads", "8")

	code, _, stderr := carat(&countdown{context.Background(), 5}, collect...)
	require.Equal(t, exitInterrupted, code, stderr)
	require.Contains(t, stderr, out+".partial keeps what was collected")
	require.Contains(t, stderr, "of 8")
	require.NoFileExists(t, out)

	code, _, stderr = carat(context.Background(), collect...)
	require.Equal(t, exitUsage, code, "it is not thrown away")
	require.Contains(t, stderr, "--resume")
	for want, other := range map[string][2]string{"another text": {evalFile, tiny + "/tokenizer.json"}, "another --ctx": {"64", "32"}} {
		args := append(slices.Clone(collect), "--resume")
		args[slices.Index(args, other[0])] = other[1]
		code, _, stderr = carat(context.Background(), args...)
		require.Equal(t, exitInput, code)
		require.Contains(t, stderr, want)
	}

	mustCarat(t, append(collect, "--resume")...)
	require.Equal(t, readFile(t, whole), readFile(t, out))
	require.NoFileExists(t, out+".partial")
}

// TestImatrixOfThreads: the same bytes for any number of threads, and for the checkpoint as for its GGUF.
func TestImatrixOfThreads(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "model.gguf")
	mustCarat(t, "convert", tiny, "-o", model)
	var first []byte
	for _, c := range []struct{ model, threads string }{{tiny, "1"}, {tiny, "8"}, {model, "2"}} {
		out := filepath.Join(dir, "out.gguf")
		mustCarat(t, "imatrix", c.model, "--threads", c.threads, "--text", evalFile, "--ctx", "128", "--chunks", "4", "-o", out)
		if first == nil {
			first = readFile(t, out)
		}
		require.Equal(t, first, readFile(t, out), "%v", c)
	}
}

// TestImatrixMinCoverage: too little coverage writes nothing, but hours of collecting are not lost.
func TestImatrixMinCoverage(t *testing.T) {
	dir := t.TempDir()
	model, out := filepath.Join(dir, "model.gguf"), filepath.Join(dir, "out.gguf")
	mustCarat(t, "convert", tiny, "-o", model)
	silence(t, model, "blk.0.attn_norm.weight")
	collect := []string{"imatrix", model, "--text", evalFile, "--ctx", "64", "--chunks", "2", "-o", out}
	code, stdout, stderr := carat(context.Background(), append(collect, "--min-coverage", "99.9")...)
	require.Equal(t, exitRefused, code, stderr)
	require.Contains(t, stdout, "3 tensors were not reached in full")
	require.Contains(t, stderr, "99.61 % of the columns of blk.0.attn_k.weight saw data")
	require.Contains(t, stderr, out+".partial keeps")
	require.NoFileExists(t, out)
	code, stdout, stderr = carat(context.Background(), append(collect, "--min-coverage", "99", "--resume", "--json")...)
	require.Zero(t, code, stderr)
	var r imatrixReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	require.Len(t, r.Coverage.Partial, 3)
	require.Equal(t, 1, r.Coverage.Partial[0].Silent)
	require.NoFileExists(t, out+".partial")
	mustCarat(t, "quantize", model, "--type", "Q4_K_M", "--imatrix", out, "-o", filepath.Join(dir, "q.gguf"))
}

// silence makes the first value of a tensor zero, in the file.
func silence(t *testing.T, path, tensor string) {
	t.Helper()
	m, err := gguf.Open(path)
	require.NoError(t, err)
	var data []byte
	for _, x := range m.Tensors() {
		if x.Info().Name == tensor {
			data = make([]byte, x.Info().Bytes())
			require.NoError(t, x.ReadRows(data, 0, x.Info().Rows()))
		}
	}
	require.NoError(t, m.Close())
	file := readFile(t, path)
	at := bytes.Index(file, data)
	require.Positive(t, at)
	copy(file[at:], make([]byte, 4))
	require.NoError(t, os.WriteFile(path, file, 0o600))
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

// TestGoldenImatrix collects what llama-imatrix did from the same F16 file and text: names, shapes, counts and
// metadata are equal; sums differ by the reference's steps of F16, by less than 1 % in every column.
func TestGoldenImatrix(t *testing.T) {
	golden, source := os.Getenv("CARAT_GOLDEN"), os.Getenv("CARAT_SMOLLM2")
	if golden == "" || source == "" {
		t.Skip("CARAT_GOLDEN and CARAT_SMOLLM2 are not both set")
	}
	dir := t.TempDir()
	f16, out := filepath.Join(dir, "f16.gguf"), filepath.Join(dir, "out.gguf")
	mustCarat(t, "quantize", source, "--type", "F16", "--allow-requantize", "-o", f16)
	mustCarat(t, "imatrix", f16, "--text", filepath.Join(golden, "corpora", "wikitext-2-train-slice.txt"), "--chunks", "24", "-o", out)
	want, err := gguf.Open(filepath.Join(golden, "golden", "smollm2", "imatrix.gguf"))
	require.NoError(t, err)
	defer want.Close()
	got, err := gguf.Open(out)
	require.NoError(t, err)
	defer got.Close()
	// The reference's keys in its order, and one of carat's own behind them.
	kvs := got.Metadata().All()
	require.Equal(t, want.Metadata().All(), kvs[:len(kvs)-1])
	require.Equal(t, "carat.datasets.sha256", kvs[len(kvs)-1].Key)
	require.Len(t, got.Tensors(), len(want.Tensors()))
	matched, worstColumn, worstSum := 0, 0.0, 0.0
	for i, w := range want.Tensors() {
		g := got.Tensors()[i]
		require.Equal(t, w.Info(), g.Info())
		a, b := float32s(t, w), float32s(t, g)
		if strings.HasSuffix(w.Info().Name, ".counts") {
			require.Equal(t, a, b, w.Info().Name)
			matched++
			continue
		}
		var sum, diff float64
		for j := range a {
			worstColumn = max(worstColumn, math.Abs(b[j]/a[j]-1))
			sum += a[j]
			diff += math.Abs(b[j] - a[j])
		}
		worstSum = max(worstSum, diff/sum)
		require.Less(t, worstColumn, 0.01, w.Info().Name)
		matched++
	}
	t.Logf("matched %d of %d; the sums of a tensor differ by up to %.3f %%, those of a column by up to %.3f %%",
		matched, len(want.Tensors()), 100*worstSum, 100*worstColumn)
	require.NotZero(t, len(want.Tensors()))
	require.Equal(t, len(want.Tensors()), matched)
}

func float32s(t *testing.T, x gguf.Tensor) []float64 {
	t.Helper()
	b := make([]byte, x.Info().Bytes())
	require.NoError(t, x.ReadRows(b, 0, x.Info().Rows()))
	out := make([]float64, len(b)/4)
	for i := range out {
		out[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b[i*4:])))
	}
	return out
}

// TestGoldenImatrixExperts: each token counts for as many experts of a stacked tensor as it is sent to.
func TestGoldenImatrixExperts(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	matched, of := 0, 0
	for _, name := range []string{"mixtral", "olmoe", "qwen2moe", "qwen3moe"} {
		dir := filepath.Join(golden, "golden", "arch", name)
		var config struct {
			Used int `json:"num_experts_per_tok"`
		}
		require.NoError(t, json.Unmarshal(readFile(t, filepath.Join(dir, "config.json")), &config))
		out := filepath.Join(t.TempDir(), "out.gguf")
		collect := []string{"imatrix", dir, "--text", evalFile, "--ctx", "64", "--chunks", "3", "-o", out, "--threads"}
		mustCarat(t, append(collect, "1")...)
		first := readFile(t, out)
		mustCarat(t, append(collect, "8")...)
		require.Equal(t, first, readFile(t, out), name)
		f, err := gguf.Open(out)
		require.NoError(t, err)
		for _, x := range f.Tensors() {
			tensor, ok := strings.CutSuffix(x.Info().Name, ".counts")
			if !ok {
				continue
			}
			of++
			want := 3 * 64.0
			if strings.HasSuffix(tensor, "_exps.weight") {
				want *= float64(config.Used)
			}
			var sum float64
			for _, n := range float32s(t, x) {
				sum += n
			}
			require.Equal(t, want, sum, "%s %s", name, tensor)
			matched++
		}
		require.NoError(t, f.Close())
	}
	t.Logf("matched %d of %d", matched, of)
	require.NotZero(t, of)
	require.Equal(t, of, matched)
}

// TestGoldenImatrixStatistics: the report of a file that the reference wrote.
func TestGoldenImatrixStatistics(t *testing.T) {
	golden := os.Getenv("CARAT_GOLDEN")
	if golden == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	code, stdout, stderr := carat(context.Background(), "imatrix", "--stats", filepath.Join(golden, "golden", "smollm2", "imatrix.gguf"), "--json")
	require.Zero(t, code, stderr)
	var r imatrixReport
	require.NoError(t, json.Unmarshal([]byte(stdout), &r))
	require.Equal(t, 210, len(r.Statistics))
	require.Len(t, r.Layers, 30)
	// As llama-imatrix --show-statistics prints it.
	s := r.Statistics[0]
	require.Equal(t, []any{18, "attn_k", 576}, []any{s.Layer, s.Kind, s.N})
	for i, pair := range [][2]float64{{s.Sum, 97.40}, {s.Min, 0.0077}, {s.Max, 55.2114}, {s.Mean, 0.17}, {s.StdDev, 2.31}, {s.Active, 1},
		{s.Entropy, 4.3180}, {100 * s.EntropyNorm, 47.09}, {100 * s.ZD, 0.35}, {s.CosSim, 0.9994}} {
		require.InDelta(t, pair[1], pair[0], 0.0051, "figure %d", i)
	}
}
