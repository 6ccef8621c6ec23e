package main

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/rogpeppe/go-internal/testscript"
)

// broken HOW IN OUT writes IN to OUT with a fault: "zero" one tensor of zeros, "swap" two layers in each other's
// place, "tokens" a tokenizer whose ids are in another order, "cut" the last third missing, "nan" a scale that is no
// number.
func broken(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: broken HOW IN OUT")
	}
	in, out := ts.MkAbs(args[1]), ts.MkAbs(args[2])
	b, err := os.ReadFile(in)
	ts.Check(err)
	m, err := gguf.Open(in)
	ts.Check(err)
	defer m.Close()
	// data is where a tensor's bytes are in the file.
	data := func(name string) []byte {
		i := slices.IndexFunc(m.Tensors(), func(t gguf.Tensor) bool { return t.Info().Name == name })
		if i < 0 {
			ts.Fatalf("%s has no tensor %s", args[1], name)
		}
		t := m.Tensors()[i].Info()
		want := make([]byte, t.Bytes())
		ts.Check(m.Tensors()[i].ReadRows(want, 0, t.Rows()))
		at := bytes.Index(b, want)
		if at < 0 {
			ts.Fatalf("the bytes of %s are not in the file", name)
		}
		return b[at : at+len(want)]
	}
	switch args[0] {
	case "zero":
		clear(data("blk.2.ffn_down.weight"))
	case "nan":
		copy(data("blk.2.ffn_down.weight"), []byte{0xff, 0xff}) // the first float16 scale
	case "cut":
		b = b[:2*len(b)/3]
	case "swap":
		for _, t := range m.Tensors() {
			if rest, ok := strings.CutPrefix(t.Info().Name, "blk.0."); ok {
				x, y := data("blk.0."+rest), data("blk.2."+rest)
				z := bytes.Clone(x)
				copy(x, y)
				copy(y, z)
			}
		}
	case "tokens":
		md := m.Metadata().Clone()
		tokens := slices.Clone(md.Strings("tokenizer.ggml.tokens"))
		slices.Reverse(tokens[300:600])
		md.Set("tokenizer.ggml.tokens", tokens)
		ts.Check(gguf.Rewrite(context.Background(), out, md, m.Tensors(), gguf.Split{}, nil))
		return
	default:
		ts.Fatalf("unknown fault %q", args[0])
	}
	ts.Check(os.WriteFile(out, b, 0o600))
}

// damage IN OUT writes IN to OUT with its last byte but 20 changed.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: damage IN OUT")
	}
	b := []byte(ts.ReadFile(args[0]))
	b[len(b)-20] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o600))
}
