package logits

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/carat-llm/carat/internal/inputfile"
)

// input reads a file whose size is known from front to back. Nothing is allocated by a length that is not in it.
type input struct {
	path string
	r    io.Reader
	left int64 // bytes not read yet
	at   int64 // bytes read
	crc  uint32
	io.Closer
}

func openInput(path string) (*input, error) {
	f, err := inputfile.Open(path)
	if err != nil {
		return nil, err
	}
	return &input{path: path, r: bufio.NewReaderSize(f.Reader(), 1<<16), left: f.Size(), Closer: f}, nil
}

// read returns the next n bytes, which are what for messages.
func (in *input) read(n int64, what string) ([]byte, error) {
	if n > in.left {
		return nil, in.errorf("truncated: %s needs %d bytes, but the file has only %d more", what, n, in.left)
	}
	b := make([]byte, n)
	return b, in.fill(b)
}

// fill reads as many bytes as b holds, of which it is known that they are there.
func (in *input) fill(b []byte) error {
	if _, err := io.ReadFull(in.r, b); err != nil {
		return in.errorf("%w", err)
	}
	in.at += int64(len(b))
	in.left -= int64(len(b))
	in.crc = crc32.Update(in.crc, crc32.IEEETable, b)
	return nil
}

// ints reads n int32.
func (in *input) ints(n int64, what string) ([]int32, error) {
	if n > in.left/4 {
		return nil, in.errorf("truncated: %d %s, but the file has only %d more bytes", n, what, in.left)
	}
	b, err := in.read(4*n, what)
	if err != nil {
		return nil, err
	}
	v := make([]int32, n)
	_, _ = binary.Decode(b, binary.LittleEndian, v) // b is as long as v
	return v, nil
}

// checksum reads a CRC-32 of all that was read since the last one.
func (in *input) checksum(what string) error {
	got := in.crc
	b, err := in.read(4, what)
	if err != nil {
		return err
	}
	if want := u32(b); got != want {
		return in.errorf("the checksum of the %s is %08x, but %08x is expected: the file is damaged, make it again", what, got, want)
	}
	in.crc = 0
	return nil
}

func (in *input) errorf(format string, args ...any) error {
	return badInput(in.path, fmt.Errorf("%w (at byte %d)", fmt.Errorf(format, args...), in.at))
}
