package fetch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// partial is a file under way. Behind the place of its bytes it has a number of 8 bytes for each chunk: how many of the
// chunk's bytes there are. So a killed process leaves what the next one goes on with; the checksum of the whole file has the
// last word. It is cut to its size before it gets its name.
type partial struct {
	f     *os.File
	size  int64
	chunk int64
	found int64 // bytes of an earlier run
	done  []int64
}

// openPartial opens the file at path for size bytes that come in chunks, or begins it anew when it is not for those.
func openPartial(path string, size, chunk int64) (*partial, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	n := max(1, (size+chunk-1)/chunk)
	p := &partial{f: f, size: size, chunk: chunk, done: make([]int64, n)}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s: is not a regular file", path)
	}
	if err == nil && st.Size() != size+8*n {
		err = p.reset()
	} else if err == nil {
		err = p.read()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return p, nil
}

// read takes over what an earlier run has.
func (p *partial) read() error {
	b := make([]byte, 8*len(p.done))
	if _, err := p.f.ReadAt(b, p.size); err != nil {
		return err
	}
	for i := range p.done {
		begin, end := p.bounds(i)
		if n := int64(binary.LittleEndian.Uint64(b[8*i:])); n >= 0 && n <= end-begin {
			p.done[i] = n
			p.found += n
		}
	}
	return nil
}

// reset forgets all bytes.
func (p *partial) reset() error {
	p.found = 0
	clear(p.done)
	return errors.Join(p.f.Truncate(0), p.f.Truncate(p.size+8*int64(len(p.done))))
}

// bounds are where chunk i lies.
func (p *partial) bounds(i int) (begin, end int64) {
	begin = int64(i) * p.chunk
	return begin, min(begin+p.chunk, p.size)
}

// missing is the range of chunk i that is not there yet.
func (p *partial) missing(i int) (begin, end int64) {
	begin, end = p.bounds(i)
	return begin + p.done[i], end
}

// add writes the next bytes of chunk i. Different chunks may be written by different goroutines.
func (p *partial) add(i int, b []byte) error {
	begin, end := p.missing(i)
	if int64(len(b)) > end-begin {
		return fmt.Errorf("%s: chunk %d: %d bytes too many", p.f.Name(), i, int64(len(b))-(end-begin))
	}
	if _, err := p.f.WriteAt(b, begin); err != nil {
		return err
	}
	p.done[i] += int64(len(b))
	_, err := p.f.WriteAt(binary.LittleEndian.AppendUint64(nil, uint64(p.done[i])), p.size+8*int64(i))
	return err
}

// finish has the bytes verified and makes them a file of their own at path.
func (p *partial) finish(verify func(io.Reader) error, path string) error {
	if err := verify(io.NewSectionReader(p.f, 0, p.size)); err != nil {
		return err
	}
	if err := errors.Join(p.f.Truncate(p.size), p.f.Sync(), p.f.Close()); err != nil {
		return err
	}
	return os.Rename(p.f.Name(), path)
}

// close keeps the file for the next run.
func (p *partial) close() error { return p.f.Close() }

// remove ends it for good.
func (p *partial) remove() error { return errors.Join(p.f.Close(), os.Remove(p.f.Name())) }
