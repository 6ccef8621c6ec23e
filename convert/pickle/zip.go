package pickle

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"path"
	"strings"
)

// source is an open file.
type source interface {
	io.ReaderAt
	Size() int64
}

// load runs the pickle of a file of either container.
func load(file source) (value, error) {
	head := make([]byte, min(file.Size(), 512))
	if _, err := file.ReadAt(head, 0); err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return loadZip(file)
	case len(head) > 262 && string(head[257:262]) == "ustar":
		return nil, fmt.Errorf("it is a tar archive, as PyTorch wrote them before 0.1.10; load it in PyTorch and save it again")
	case isLegacy(head):
		return loadLegacy(file)
	}
	return nil, fmt.Errorf("it is neither a zip archive nor a series of pickles, as torch.save writes them; it begins with % x", head[:min(len(head), 8)])
}

// archive is the zip archive of PyTorch 1.6 and later: one folder with data.pkl, a file for each storage in data, byteorder
// and version.
type archive struct {
	file    source
	folder  string
	entries map[string]*zip.File
	known   map[string]*storage
}

func loadZip(file source) (value, error) {
	z, err := zip.NewReader(file, file.Size())
	if err != nil {
		return nil, fmt.Errorf("its zip archive cannot be read (%w); it may be cut off: fetch it again", err)
	}
	a := &archive{file: file, entries: map[string]*zip.File{}, known: map[string]*storage{}}
	for _, e := range z.File {
		if a.entries[e.Name] != nil {
			return nil, fmt.Errorf("its zip archive has %q twice", e.Name)
		}
		a.entries[e.Name] = e
		if folder, name := path.Split(e.Name); name == "data.pkl" && strings.Count(e.Name, "/") == 1 {
			a.folder = folder
		}
	}
	switch {
	case a.folder == "":
		return nil, fmt.Errorf("its zip archive has no data.pkl")
	case a.entries[a.folder+"constants.pkl"] != nil:
		return nil, fmt.Errorf("it is a TorchScript program, not a checkpoint: save model.state_dict()")
	}
	if order, err := a.small("byteorder", 16); err != nil {
		return nil, err
	} else if order != nil && string(order) != "little" {
		return nil, fmt.Errorf("its byteorder is %q: save it on a little-endian machine", order)
	}
	text, err := a.small("data.pkl", maxPickle)
	if err != nil {
		return nil, err
	}
	m := &machine{text: text, stored: a.stored}
	return m.run()
}

// place is where an entry of the archive lies in the file.
func (a *archive) place(e *zip.File) (begin, size int64, err error) {
	if e.Method != zip.Store || e.Flags&1 != 0 {
		return 0, 0, fmt.Errorf("%s is compressed or encrypted in its zip archive, which PyTorch's never are: unpack it and save it again", e.Name)
	}
	if begin, err = e.DataOffset(); err != nil {
		return 0, 0, fmt.Errorf("%s in its zip archive: %w", e.Name, err)
	}
	if e.UncompressedSize64 != e.CompressedSize64 || e.UncompressedSize64 > uint64(max(0, a.file.Size()-begin)) {
		return 0, 0, fmt.Errorf("%s has %d bytes from byte %d on in its zip archive, but the file has %d", e.Name, e.UncompressedSize64, begin, a.file.Size())
	}
	return begin, int64(e.UncompressedSize64), nil
}

// small reads an entry whole; nil if there is none.
func (a *archive) small(name string, limit int64) ([]byte, error) {
	e := a.entries[a.folder+name]
	if e == nil {
		return nil, nil
	}
	begin, size, err := a.place(e)
	if err != nil {
		return nil, err
	}
	if size > limit {
		return nil, fmt.Errorf("%s has %d bytes, but can have at most %d", e.Name, size, limit)
	}
	b := make([]byte, size)
	_, err = a.file.ReadAt(b, begin)
	return b, err
}

// stored finds the storage of a persistent id.
func (a *archive) stored(id tuple) (value, error) {
	s, err := newStorage(id)
	if err != nil {
		return nil, err
	}
	if old := a.known[s.key]; old != nil && old.dtype == s.dtype && old.size == s.size {
		return old, nil
	}
	e := a.entries[a.folder+"data/"+s.key]
	if e == nil {
		return nil, fmt.Errorf("storage %q is not in its zip archive", s.key)
	}
	begin, size, err := a.place(e)
	if err != nil {
		return nil, err
	}
	if s.size > size {
		return nil, fmt.Errorf("storage %q should have %d bytes, but %s has %d", s.key, s.size, e.Name, size)
	}
	s.begin = begin
	a.known[s.key] = s
	return s, nil
}
