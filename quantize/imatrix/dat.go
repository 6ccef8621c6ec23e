package imatrix

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
)

// The older format, all integers int32 and all little-endian: the number of entries, then for each the
// length of its name, the name, the number of calls (chunks), the number of values, and as many float32
// that are means times calls. At the end the number of chunks, the length of a dataset's name, and that name.

// parseDat reads the older format: entries with values that were multiplied by a call count.
func parseDat(b []byte) (*Matrix, error) {
	r := &datReader{b: b}
	m := &Matrix{entries: map[string]entry{}}
	n := r.int("number of entries", 1<<24)
	if r.err == nil && n == 0 {
		return nil, fmt.Errorf("%w: the importance matrix is empty", gguf.ErrInput)
	}
	for i := 0; i < n && r.err == nil; i++ {
		name := string(r.bytes(r.int("length of a name", 1<<16)))
		calls := r.int("number of calls", math.MaxInt32)
		values := r.int("number of values", len(b)/4)
		raw := r.bytes(values * 4)
		if r.err != nil {
			break
		}
		if values == 0 || calls == 0 {
			return nil, fmt.Errorf("%w: imatrix entry %q has %d values from %d calls", gguf.ErrInput, name, values, calls)
		}
		if _, twice := m.entries[name]; twice {
			return nil, fmt.Errorf("%w: imatrix entry %q appears twice", gguf.ErrInput, name)
		}
		sums := make([]float64, values)
		for j := range sums {
			sums[j] = float64(math.Float32frombits(binary.LittleEndian.Uint32(raw[j*4:])))
		}
		m.entries[name] = entry{sums, []float64{float64(calls)}}
	}
	// Files of before 2024 end here.
	if r.err == nil && len(r.b) > 0 {
		m.Chunks = r.int("number of chunks", math.MaxInt32)
		m.Datasets = []string{string(r.bytes(r.int("length of the dataset's name", 1<<16)))}
	}
	return m, r.err
}

// datReader takes values off the front of b. The first error stays.
type datReader struct {
	b   []byte
	err error
}

func (r *datReader) bytes(n int) []byte {
	if r.err == nil && n > len(r.b) {
		r.err = fmt.Errorf("%w: not an importance matrix (GGUF or .dat), or truncated: %d bytes needed, %d left", gguf.ErrInput, n, len(r.b))
	}
	if r.err != nil {
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *datReader) int(what string, limit int) int {
	b := r.bytes(4)
	if r.err != nil {
		return 0
	}
	n := int32(binary.LittleEndian.Uint32(b))
	if n < 0 || int(n) > limit {
		r.err = fmt.Errorf("%w: not an importance matrix (GGUF or .dat): %s is %d", gguf.ErrInput, what, n)
		return 0
	}
	return int(n)
}

func (m *Matrix) writeDat(path string) error {
	b, err := m.dat()
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	f, err := atomicfile.Create(path, int64(len(b)))
	if errors.Is(err, atomicfile.ErrNoSpace) {
		return fmt.Errorf("%w: %w", gguf.ErrEnvironment, err)
	}
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(b, 0); err != nil {
		return errors.Join(err, f.Abort())
	}
	return f.Commit()
}

// dat encodes m.
func (m *Matrix) dat() ([]byte, error) {
	var names []string
	for _, name := range m.Names() {
		if slices.Max(m.entries[name].counts) > 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%w: no tensor of the importance matrix has data", gguf.ErrInput)
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(names)))
	str := func(s string) {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	for _, name := range names {
		e := m.entries[name]
		calls := math.Ceil(slices.Max(e.counts) / float64(max(1, m.ChunkSize)))
		if calls > math.MaxInt32 {
			return nil, fmt.Errorf("%w: tensor %s: the .dat format cannot count %v chunks: use GGUF", gguf.ErrInput, name, calls)
		}
		str(name)
		b = binary.LittleEndian.AppendUint32(b, uint32(calls))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(e.sums)))
		for i, v := range e.means() {
			v *= float32(calls)
			if e.counts[i/e.cols()] == calls {
				v = float32(e.sums[i]) // v but for the rounding: a .dat file read is written again as it was
			}
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(m.Chunks))
	if len(m.Datasets) == 0 {
		str("")
	} else {
		str(m.Datasets[len(m.Datasets)-1])
	}
	return b, nil
}
