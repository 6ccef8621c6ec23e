package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/carat-llm/carat/eval/text"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/buildinfo"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/round"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/urfave/cli/v2"
)

// calibrationFlags are those of verbs that round by what layers see of a text.
func calibrationFlags() []cli.Flag {
	return group(roundingGroup,
		&cli.StringFlag{Name: "calibration", Usage: "`FILE` text by which weights are rounded: errors that the layers would see there are made good by others"},
		&cli.IntFlag{Name: "calibration-chunks", Value: 32, Usage: "`N` use the first N chunks of 512 tokens"})
}

// calibration is what calibrationFlags say; without a text nothing is calibrated.
type calibration struct {
	in     io.Reader
	Text   string
	Chunks int
	model  *calibrated // once it is asked for
}

func calibrationOf(c *cli.Context) (calibration, error) {
	o := calibration{in: c.App.Reader, Text: c.String("calibration"), Chunks: c.Int("calibration-chunks")}
	switch {
	case o.Text == "" && c.IsSet("calibration-chunks"):
		return o, usagef("--calibration-chunks has no effect without --calibration")
	case o.Text != "" && c.IsSet("prune-layers"):
		return o, usagef("--calibration cannot be combined with --prune-layers: write the pruned model first, then quantize it")
	case o.Chunks < 2 || o.Chunks > 1<<16:
		return o, outOfRange("--calibration-chunks", 2, 1<<16, o.Chunks)
	}
	return o, nil
}

const (
	calibrationContext = 512     // tokens of a chunk
	roundingSweeps     = 2       // of coordinate descent
	momentBytes        = 1 << 30 // at a time
)

// calibrated is a model that is ready to run over the chunks of a calibration text: for measuring, and then for rounding.
type calibrated struct {
	*engine.Engine
	chunks [][]int32
	sha256 string // of the text
}

// ready makes the model of src, which is at path, ready: once, so that the text is read once, too. It is computed exactly, so that
// nothing that is made of it depends on the processor.
func (o *calibration) ready(g global, path string, src gguf.Model) (*calibrated, error) {
	if o.model != nil {
		return o.model, nil
	}
	in, err := readText(o.in, o.Text)
	if err != nil {
		return nil, err
	}
	g.computing = computing{compute: kernel.Exact, kv: gguf.F32}
	e, err := g.load(path, src, engine.Options{Text: true})
	if err != nil {
		return nil, err
	}
	o.model = &calibrated{Engine: e, sha256: in.SHA256}
	tok, err := e.Tokenizer()
	if err != nil {
		return nil, err
	}
	o.model.chunks, err = text.Chunks(o.Text, in.Data, tok, text.Options{Context: calibrationContext, Chunks: o.Chunks})
	return o.model, err
}

// close ends the use of the model, if there is one.
func (o *calibration) close() {
	if o.model != nil {
		_ = o.model.Close() // the source, which is the caller's, stays open
		o.model = nil
	}
}

// roundBy rounds the tensors that plan quantizes by the calibration text, makes the plan take them, and returns what keeps them:
// OUT.rounding, which is to be removed when the output is written. An interrupted run continues with the layers that are done.
// Without a text, or an output, the plan stays what it is and nothing is kept. The text's model is not needed any more then.
func roundBy(ctx context.Context, g global, path, out string, src gguf.Model, plan *quantize.Plan, o *calibration) (*round.Store, error) {
	defer o.close()
	if o.Text == "" || out == "" {
		return nil, nil
	}
	m, err := o.ready(g, path, src)
	if err != nil {
		return nil, err
	}
	walk, err := m.NewWalk(m.chunks)
	if err != nil {
		return nil, fmt.Errorf("%s: --calibration: %w", path, err)
	}
	targets, key, err := roundingTargets(src, plan, m.sha256, len(m.chunks))
	if err != nil {
		return nil, err
	}
	store, err := round.OpenStore(out+".rounding", key)
	if err != nil {
		return nil, err
	}
	b := newCounter(g, "round layers")
	defer b.finish()
	b.update(0, int64(walk.Layers()+1))
	err = round.Run(ctx, walk, targets, round.Settings{
		Options: round.Options{Sweeps: roundingSweeps, Product: m.Product, Each: m.Each}, Chunks: len(m.chunks), Memory: momentBytes, Store: store,
		Done: func(layer int, _ []round.Tensor) error {
			b.update(int64(layer+1), int64(walk.Layers()+1))
			return nil
		},
	})
	if errors.Is(err, context.Canceled) {
		err = &interruption{"interrupted while rounding", out + ".rounding keeps the layers that are done: the same command continues with them"}
	}
	if err == nil {
		err = plan.Take(store.Tensors())
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

// roundingTargets are the tensors that plan quantizes, and what names them, the text and all that the result depends on.
func roundingTargets(src gguf.Model, plan *quantize.Plan, text string, chunks int) ([]round.Target, string, error) {
	model, err := imatrix.Fingerprint(src)
	if err != nil {
		return nil, "", err
	}
	sum := sha256.New()
	fmt.Fprintln(sum, "carat rounding", buildinfo.Version(), model, text, chunks, calibrationContext, roundingSweeps)
	types := map[string]gguf.Type{}
	for _, t := range plan.Tensors {
		if t.Type.Quantized() && t.Type != t.Source {
			types[t.Name] = t.Type
			fmt.Fprintln(sum, t.Name, t.Type)
		}
	}
	var targets []round.Target
	for _, t := range src.Tensors() {
		if typ, ok := types[t.Info().Name]; ok {
			targets = append(targets, round.Target{Tensor: t, Type: typ})
		}
	}
	return targets, hex.EncodeToString(sum.Sum(nil)), nil
}
