package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/runtime/engine"
)

// Importance matrices are compared over a few short chunks, of a model in F32: both then compute the same but for the order
// of sums.
const (
	tokens = 64
	chunks = 4
	// tolerance is for a sum, relative to the largest of its tensor, and for the share of tokens that see other experts.
	tolerance = 0.03
)

// compareImatrix compares what both collect: names, shapes, counts and sums.
func (d *differ) compareImatrix(ctx context.Context, name, path, calibration string) error {
	f32 := filepath.Join(d.dir, "f32.gguf")
	if err := convertTo(ctx, "f32", path, f32); err != nil {
		return err
	}
	ours, err := d.caratImatrix(ctx, f32, calibration)
	if err != nil {
		fmt.Fprintf(d.out, "   %s imatrix: not compared: carat: %v\n", name, err)
		return nil
	}
	theirs, err := d.llamaImatrix(ctx, f32, calibration)
	if err != nil {
		fmt.Fprintf(d.out, "   %s imatrix: not compared: llama-imatrix: %v\n", name, err)
		return nil
	}
	a, err := readSums(ours)
	if err != nil {
		return err
	}
	b, err := readSums(theirs)
	if err != nil {
		return err
	}
	diff := differences(a, b)
	d.count(len(diff) == 0, "%s imatrix: %s", name, strings.Join(diff, "; "))
	return nil
}

func (d *differ) caratImatrix(ctx context.Context, path, calibration string) (string, error) {
	src, err := convert.OpenPath(path, convert.Options{})
	if err != nil {
		return "", err
	}
	defer src.Close()
	e, err := engine.Load(src, engine.Options{Text: true, Threads: 2})
	if err != nil {
		return "", err
	}
	defer e.Close()
	tok, err := e.Tokenizer()
	if err != nil {
		return "", err
	}
	s, err := e.NewSession(tokens)
	if err != nil {
		return "", err
	}
	b, err := os.ReadFile(calibration)
	if err != nil {
		return "", err
	}
	ids, err := text.Chunks(calibration, string(b), tok, text.Options{Context: tokens, Chunks: chunks})
	if err != nil {
		return "", err
	}
	m, err := imatrix.Collect(ctx, s, ids, imatrix.Options{Dataset: filepath.Base(calibration), Threads: 1})
	if err != nil {
		return "", err
	}
	out := filepath.Join(d.dir, "ours.gguf")
	return out, m.Write(out, imatrix.GGUF)
}

func (d *differ) llamaImatrix(ctx context.Context, path, calibration string) (string, error) {
	out := filepath.Join(d.dir, "theirs.gguf")
	if err := os.Remove(out); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	n := strconv.Itoa(tokens)
	b, err := exec.CommandContext(ctx, filepath.Join(d.llama, "llama-imatrix"), "-m", path, "-f", calibration, "-o", out, "-c", n, "-b", n, "-ub", n,
		"--chunks", strconv.Itoa(chunks), "-t", "2", "--no-ppl", "-fa", "off", "-ctk", "f32", "-ctv", "f32").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, last(string(b)))
	}
	return out, nil
}

// sums are the values of a file's tensors by name.
type sums map[string][]float32

func readSums(path string) (sums, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	f32, _ := codec.For(gguf.F32)
	out := sums{}
	for _, t := range f.Tensors() {
		info := t.Info()
		b, v := make([]byte, info.Bytes()), make([]float32, info.Elements())
		if err := t.ReadRows(b, 0, info.Rows()); err != nil {
			return nil, err
		}
		f32.Decode(v, b)
		out[info.Name] = v
	}
	return out, nil
}

func differences(a, b sums) (out []string) {
	for name := range b {
		if _, ok := a[name]; !ok {
			out = append(out, "carat lacks "+name)
		}
	}
	for name, x := range a {
		y, ok := b[name]
		switch {
		case !ok:
			out = append(out, "llama-imatrix lacks "+name)
		case len(x) != len(y):
			out = append(out, fmt.Sprintf("%s has %d values, llama-imatrix's %d", name, len(x), len(y)))
		case strings.HasSuffix(name, ".counts") && elsewhere(x, y) > tolerance:
			out = append(out, fmt.Sprintf("%s %v, llama-imatrix %v", name, x, y))
		case !strings.HasSuffix(name, ".counts"):
			if e := furthest(x, y); e > tolerance {
				out = append(out, fmt.Sprintf("%s differs by %.3g of its largest", name, e))
			}
		}
	}
	slices.Sort(out)
	if len(out) > 6 {
		out = append(out[:6], fmt.Sprintf("and %d more", len(out)-6))
	}
	return out
}

// elsewhere is the share of tokens that went to other experts, as happens where two are nearly as good; all must be there.
func elsewhere(x, y []float32) float64 {
	all, other, sum := 0.0, 0.0, 0.0
	for i := range x {
		all += float64(y[i])
		sum += float64(x[i])
		other += math.Abs(float64(x[i]-y[i])) / 2
	}
	if all != sum {
		return math.Inf(1)
	}
	return other / all
}

func furthest(x, y []float32) float64 {
	largest, far := 0.0, 0.0
	for i := range x {
		largest = max(largest, math.Abs(float64(y[i])))
		far = max(far, math.Abs(float64(x[i])-float64(y[i])))
	}
	if largest == 0 {
		return far
	}
	return far / largest
}
