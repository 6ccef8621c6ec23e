package kernel

import (
	"sort"
	"sync/atomic"

	"github.com/carat-llm/carat/internal/hugemem"
)

// PreparedBytes is the memory that Prepare needs.
func (m *Matrix) PreparedBytes() int64 {
	if m.integers == nil || m.integers.data != nil {
		return 0
	}
	return int64(m.integers.count()) * int64(m.integers.size)
}

// Loading is a matrix to prepare, and where its rows come from.
type Loading struct {
	W *Matrix
	// Read fills dst with n rows from number first on, as W.Data has them, and may be called by several goroutines. nil takes
	// them from Data, which Row still needs in any case.
	Read func(dst []byte, first, n int64) error
}

// preparing is a matrix under way.
type preparing struct {
	Loading
	*panels
	end int // the number of the chunk behind its last one
}

// panelsRead are read and arranged in one chunk.
const panelsRead = 8

// Prepare arranges weights of integers in memory as products take them: 16 rows side by side. Weights that are floats need
// no preparation, and others can do without: products then arrange the rows they come to each time, which gives the same bits
// later. When reading fails nothing is changed.
func Prepare(p *Pool, list []Loading) error {
	var work []preparing
	chunks := 0
	for _, l := range list {
		bytes := l.W.PreparedBytes()
		if bytes == 0 {
			continue
		}
		full := new(panels)
		*full = *l.W.integers
		full.data = hugemem.Bytes(full, int(bytes))
		chunks += (full.count() + panelsRead - 1) / panelsRead
		work = append(work, preparing{l, full, chunks})
	}
	var failed atomic.Pointer[error]
	p.Run(chunks, func(s *Scratch, chunk int) {
		i := sort.Search(len(work), func(i int) bool { return work[i].end > chunk })
		if i > 0 {
			chunk -= work[i-1].end
		}
		if err := work[i].chunk(s, chunk*panelsRead); err != nil {
			failed.CompareAndSwap(nil, &err)
		}
	})
	if err := failed.Load(); err != nil {
		return *err
	}
	for _, w := range work {
		w.W.integers = w.panels
	}
	return nil
}

// chunk reads and arranges the panels from number first on.
func (w *preparing) chunk(s *Scratch, first int) error {
	m := w.W
	row, end := first*panelRows, min(m.Rows, (first+panelsRead)*panelRows)
	rows := m.Data[row*m.rowBytes : end*m.rowBytes]
	if w.Read != nil {
		rows = s.Bytes(len(rows))
		if err := w.Read(rows, int64(row), int64(end-row)); err != nil {
			return err
		}
	}
	for i := first; len(rows) > 0; i++ {
		n := min(len(rows), panelRows*m.rowBytes)
		s.packer.pack(w.panels, w.panel(i), rows[:n], m.Type)
		rows = rows[n:]
	}
	return nil
}
