package pickle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/carat-llm/carat/convert/safetensors"
)

// The container before PyTorch 1.6 is a series of pickles: a magic number, a version, facts of the machine, what was saved,
// and the keys of the storages. Behind them the storages follow in that order, each with its number of elements before it.

// magic is the number that the first pickle holds.
const magic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"

// isLegacy tells a file by its first pickle: a protocol, and LONG1 with the magic number.
func isLegacy(head []byte) bool {
	return len(head) > 2 && head[0] == 0x80 && bytes.HasPrefix(head[2:], []byte("\x8a\x0a"+magic))
}

func loadLegacy(file source) (value, error) {
	text := make([]byte, min(file.Size(), maxPickle))
	if _, err := file.ReadAt(text, 0); err != nil {
		return nil, err
	}
	known := map[string]*storage{}
	m := &machine{text: text, stored: func(id tuple) (value, error) {
		s, err := newStorage(id)
		if err != nil {
			return nil, err
		}
		if len(id) > 5 && id[5] != nil {
			return nil, fmt.Errorf("storage %q is a view of another one, as PyTorch saved them before 0.4; load it in PyTorch and save it again", s.key)
		}
		if old := known[s.key]; old == nil {
			known[s.key] = s
		} else if old.dtype != s.dtype || old.size != s.size {
			return nil, fmt.Errorf("storage %q is described twice, as %d bytes of %q and as %d of %q", s.key, old.size, old.dtype, s.size, s.dtype)
		}
		return known[s.key], nil
	}}
	var parts [4]value
	for i := range parts {
		var err error
		if parts[i], err = m.run(); err != nil {
			return nil, err
		}
	}
	if parts[1] != value(int64(1001)) {
		return nil, errors.New("the version of its container is not 1001, the only one there was")
	}
	if facts, ok := parts[2].(*dict); ok && facts.entries["little_endian"] == false {
		return nil, errors.New("it is of a big-endian machine: save it on a little-endian one")
	}
	keys, err := m.run()
	if err != nil {
		return nil, err
	}
	order, ok := keys.(*list)
	if !ok {
		return nil, fmt.Errorf("it has %s in place of the keys of its storages", kind(keys))
	}
	return parts[3], places(file, int64(m.at), order.values, known)
}

// places finds where the storages lie that begin at a byte of the file.
func places(file source, at int64, keys []value, known map[string]*storage) error {
	found := 0
	for _, v := range keys {
		key, _ := v.(string)
		s := known[key]
		if s == nil || s.begin > 0 {
			return fmt.Errorf("the keys of its storages name %q, which no tensor is of, or twice", key)
		}
		if at > file.Size()-8 {
			return fmt.Errorf("it is cut off at byte %d, before storage %q", file.Size(), key)
		}
		var n [8]byte
		if _, err := file.ReadAt(n[:], at); err != nil {
			return err
		}
		width := max(1, safetensors.Width(s.dtype))
		if got := binary.LittleEndian.Uint64(n[:]); got != uint64(s.size/width) {
			return fmt.Errorf("storage %q has %d elements, but its tensors were saved with %d", key, got, s.size/width)
		}
		s.begin = at + 8
		if s.size > file.Size()-s.begin {
			return fmt.Errorf("storage %q has %d bytes from byte %d on, but the file has %d: it is cut off", key, s.size, s.begin, file.Size())
		}
		at, found = s.begin+s.size, found+1
	}
	if found != len(known) {
		return fmt.Errorf("there are %d storages, but its tensors are of %d", found, len(known))
	}
	return nil
}
