package model

import (
	"fmt"

	"github.com/carat-llm/carat/internal/sysmem"
	"github.com/carat-llm/carat/runtime/kernel"
)

// prepare arranges the weights in memory, which then hold about as much of it as the file is large; they are read from
// the file, so that its mapped pages stay out of memory. Models too large for that are computed from the mapped file.
func (m *Model) prepare() error {
	var bytes int64
	for _, w := range m.graph.weights {
		bytes += w.w.PreparedBytes()
	}
	if have := sysmem.Total(); have > 0 && bytes > have/5*4 {
		return nil
	}
	var list []kernel.Loading
	for _, w := range m.graph.weights {
		list = append(list, kernel.Loading{W: w.w, Read: func(dst []byte, first, n int64) error {
			if err := w.tensor.ReadRows(dst, int64(w.first)+first, n); err != nil {
				return fmt.Errorf("tensor %s: %w", w.tensor.Info().Name, err)
			}
			return nil
		}})
	}
	return kernel.Prepare(m.opts.Pool, list)
}
