package run

import (
	"errors"

	"github.com/carat-llm/carat/eval/bench"
	"github.com/carat-llm/carat/internal/bandwidth"
	"github.com/carat-llm/carat/runtime/engine"
)

// Load measures the time from opening the model at path, by o.Source, to the first token's logits, cold and warm. Nothing
// else may have the model open for a cold figure: mapped pages stay in the cache.
func Load(path string, o engine.Options) (*bench.Load, error) {
	first := func() (err error) {
		e, err := engine.Open(path, o)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, e.Close()) }()
		subject, err := subjectOf(e, 1)
		if err != nil {
			return err
		}
		return subject.Session.Forward([]int32{0}, 0, make([]float32, subject.Vocab))
	}
	m, err := o.Source(path)
	if err != nil {
		return nil, err
	}
	var files []string
	if f, ok := m.(interface{ Paths() []string }); ok {
		files = f.Paths()
	}
	if err := m.Close(); err != nil {
		return nil, err
	}
	return bench.MeasureLoad(first, func() error { return bench.DropCache(files...) }, nil)
}

// BandwidthBefore measures memory before the model at path is loaded, too: with neighbours it gives less at times, and the better
// of two is nearer to what decoding could have. It is 0 where nothing asks for it, or where the memory that it takes would
// count as the model's.
func BandwidthBefore(path string, opened engine.Options, o Options) (float64, error) {
	if !o.decodes() || !bench.ForgetPeakMemory() {
		return 0, nil
	}
	m, err := opened.Source(path)
	if err != nil {
		return 0, err
	}
	size := bandwidth.Size(bench.WorkOf(m).Bytes)
	if err := m.Close(); err != nil {
		return 0, err
	}
	rate := bandwidth.Read(opened.Threads, size)
	bench.ForgetPeakMemory()
	return rate, nil
}
