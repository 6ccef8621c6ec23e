package main

import (
	"runtime/debug"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/kernel"
)

const (
	calibrationContext = 512     // tokens of a chunk
	roundingSweeps     = 2       // of coordinate descent
	momentBytes        = 1 << 29 // at a time
)

// calibrated is a model that is ready to run over the chunks of a calibration text: for measuring, and then for rounding.
type calibrated struct {
	*engine.Engine
	chunks [][]int32
	sha256 string // of the text, and of what the model makes of it
	gc     int    // the share of garbage that was let be before
}

// read reads the text, once.
func (o *calibrationOptions) read() (*calibrationText, error) {
	if o.text == nil {
		t, err := readCalibration(o.in, o.Texts...)
		if err != nil {
			return nil, err
		}
		o.text = t
	}
	return o.text, nil
}

// ready makes the model of src, which is at path, ready: once, so that the text is read once, too. It is computed exactly, so that
// nothing that is made of it depends on the processor.
func (o *calibrationOptions) ready(g global, path string, src gguf.Model) (*calibrated, error) {
	if o.model != nil {
		return o.model, nil
	}
	in, err := o.read()
	if err != nil {
		return nil, err
	}
	g.computing = computing{compute: kernel.Exact, kv: gguf.F32}
	e, err := g.load(path, src, engine.Options{Text: true})
	if err != nil {
		return nil, err
	}
	// Moments are most of the memory and stay for long: garbage of half their size is enough.
	o.model = &calibrated{Engine: e, gc: debug.SetGCPercent(50)}
	if o.model.chunks, err = in.chunks(e, src.Metadata(), calibrationContext, o.Chunks); err != nil {
		return nil, err
	}
	in.noteUnknown(g)
	o.model.sha256 = in.identify(o.model.chunks)
	return o.model, nil
}

// close ends the use of the model, if there is one.
func (o *calibrationOptions) close() {
	if o.model != nil {
		_ = o.model.Close() // the source, which is the caller's, stays open
		debug.SetGCPercent(o.model.gc)
		o.model = nil
	}
}
