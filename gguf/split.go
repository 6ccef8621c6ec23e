package gguf

import (
	"fmt"
	"regexp"
	"strconv"
)

// maxSplits is what the five digits of a split's name can count.
const maxSplits = 99999

var splitName = regexp.MustCompile(`^(.*)-(\d{5})-of-(\d{5})\.gguf$`)

// splitKeys are written to every file of a split and not seen by readers of the model.
var splitKeys = []string{splitNo, splitCount, splitTensors}

const (
	splitNo      = "split.no"            // u16, from 0
	splitCount   = "split.count"         // u16
	splitTensors = "split.tensors.count" // i32, of all files
)

// SplitPath is the name of file no (from 1) of count, as in "model-00001-of-00003.gguf".
func SplitPath(prefix string, no, count int) string {
	return fmt.Sprintf("%s-%05d-of-%05d.gguf", prefix, no, count)
}

// addSplits opens the files that h, the header of the first, says there are.
func (f *File) addSplits(path string, h *header) error {
	f.metadata = h.metadata
	count, ok := h.metadata.Int("split.count")
	if !ok || count <= 1 {
		f.metadata.deleteSplit()
		return nil
	}
	bad := func(format string, args ...any) error {
		return &FormatError{Path: path, Place: "split", Reason: fmt.Sprintf(format, args...)}
	}
	m := splitName.FindStringSubmatch(path)
	no, _ := h.metadata.Int("split.no")
	if no != 0 {
		return bad("this is file %d of %d; open the first one", no+1, count)
	}
	if count > maxSplits || m == nil || m[2] != "00001" || m[3] != fmt.Sprintf("%05d", count) {
		return bad("split.count is %d, so the file name must end in -00001-of-%05d.gguf", count, count)
	}
	for i := 2; i <= int(count); i++ {
		other := SplitPath(m[1], i, int(count))
		oh, err := f.add(other)
		if err != nil {
			return err
		}
		if v, ok := oh.metadata.Int("split.no"); !ok || v != int64(i-1) {
			return &FormatError{Path: other, Place: "metadata split.no", Reason: "expected " + strconv.Itoa(i-1) + " (got " + strconv.FormatInt(v, 10) + ")"}
		}
	}
	seen := map[string]bool{}
	for _, t := range f.tensors {
		if name := t.Info().Name; seen[name] {
			return bad("tensor %s is in two of the files", name)
		} else {
			seen[name] = true
		}
	}
	if want, ok := h.metadata.Int("split.tensors.count"); ok && want != int64(len(f.tensors)) {
		return bad("split.tensors.count is %d, but the files hold %d tensors", want, len(f.tensors))
	}
	f.metadata.deleteSplit()
	return nil
}

// deleteSplit drops what is said of a file of a split: the files read as one are none.
func (m *Metadata) deleteSplit() {
	for _, k := range splitKeys {
		m.Delete(k)
	}
}
