// Package safetensors reads the weights of a checkpoint folder: the shards that model.safetensors.index.json names,
// or without it all files called model*.safetensors.
//
// Headers are checked strictly, because the format's library does not on the header-only path: names are
// distinct, every tensor's bytes are those of its shape and type, no two share bytes, and all lie in the
// file. Data is read by ReadAt on demand; nothing but headers is held in memory.
package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/carat-llm/carat/gguf"
	st "github.com/nlpodyssey/safetensors"
)

// maxHeader is the format's own limit.
const maxHeader = 100_000_000

// span is where a tensor lies in its file.
type span struct {
	name  string
	typ   gguf.Type
	dtype string
	shape []int64 // as the checkpoint has it: the last dimension is contiguous
	begin int64   // from the start of the file
	end   int64
}

var types = map[st.DType]gguf.Type{st.F64: gguf.F64, st.F32: gguf.F32, st.F16: gguf.F16, st.BF16: gguf.BF16,
	st.I8: gguf.I8, st.I16: gguf.I16, st.I32: gguf.I32, st.I64: gguf.I64}

// badf makes an error about part of file: header, dtype, names, shape or offsets.
func badf(file, part, format string, args ...any) error {
	return fmt.Errorf("%w: %s: safetensors %s: %s", gguf.ErrInput, file, part, fmt.Sprintf(format, args...))
}

// readHeader reads and checks the header of a file of size bytes; spans are in the order of their names.
func readHeader(r io.ReaderAt, size int64, file string) ([]span, error) {
	var length [8]byte
	if size < 8 {
		return nil, badf(file, "header", "the file has only %d bytes, but the length of the header alone takes 8", size)
	}
	if _, err := r.ReadAt(length[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n == 0 || n > maxHeader || n > uint64(size-8) {
		return nil, badf(file, "header", "its length must be between 1 and %d (got %d, and the file has %d bytes)", maxHeader, n, size)
	}
	head := make([]byte, n)
	if _, err := r.ReadAt(head, 8); err != nil {
		return nil, err
	}
	narrow, err := checkNames(head, file)
	if err != nil {
		return nil, err
	}
	if head, err = narrow.asBytes(head); err != nil {
		return nil, badf(file, "header", "%v", err)
	}
	var md st.Metadata
	if err := json.Unmarshal(head, &md); err != nil {
		if bytes.Contains([]byte(err.Error()), []byte("DType")) {
			return nil, badf(file, "dtype", "%v: carat reads F64, F32, F16, BF16, floats of 8 bits and integers", err)
		}
		if bytes.Contains([]byte(err.Error()), []byte("data_offsets")) {
			return nil, badf(file, "offsets", "%v", err)
		}
		return nil, badf(file, "header", "%v", err)
	}
	var spans []span
	data := int64(8 + n)
	for name, info := range md.Tensors() {
		s, err := checkTensor(name, info, data, size, file)
		if err != nil {
			return nil, err
		}
		if dtype, ok := narrow[name]; ok {
			s.dtype = dtype
		}
		spans = append(spans, s)
	}
	slices.SortFunc(spans, func(a, b span) int {
		return bytes.Compare([]byte(a.name), []byte(b.name))
	})
	return spans, checkOverlap(spans, file)
}

// checkNames requires a JSON object without repeated keys, which the library would silently merge. It returns the tensors of
// floats that the library does not know.
func checkNames(head []byte, file string) (narrowTypes, error) {
	d := json.NewDecoder(bytes.NewReader(head))
	t, err := d.Token()
	if err != nil || t != json.Delim('{') {
		return nil, badf(file, "header", "it is not a JSON object (it begins with %v)", t)
	}
	seen, narrow := map[string]bool{}, narrowTypes{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, badf(file, "header", "%v", err)
		}
		name, _ := t.(string)
		if seen[name] {
			return nil, badf(file, "names", "tensor %s appears twice", name)
		}
		seen[name] = true
		var entry json.RawMessage
		if err := d.Decode(&entry); err != nil {
			return nil, badf(file, "header", "%v", err)
		}
		if dtype := narrowType(entry); dtype != "" && name != "__metadata__" {
			narrow[name] = dtype
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, badf(file, "header", "%v", err)
	}
	return narrow, nil
}

func checkTensor(name string, info *st.TensorInfo, data, size int64, file string) (span, error) {
	var s span
	if info == nil {
		return s, badf(file, "header", "tensor %s is null", name)
	}
	t, ok := types[info.DType]
	width := int64(t.BlockBytes())
	if !ok {
		if info.DType != st.BOOL && info.DType != st.U8 && info.DType != st.U16 && info.DType != st.U32 && info.DType != st.U64 {
			return s, badf(file, "dtype", "tensor %s has the unknown type %v", name, info.DType)
		}
		width = int64(info.DType.Size())
		t = math.MaxUint32 // none of GGUF's: an error only when it is used
	}
	elements := int64(1)
	for _, d := range info.Shape {
		if uint64(d) > math.MaxInt64/16 || d > 0 && elements > math.MaxInt64/16/int64(d) {
			return s, badf(file, "shape", "tensor %s: the product of %v overflows", name, info.Shape)
		}
		elements *= int64(d)
		s.shape = append(s.shape, int64(d))
	}
	begin, end := int64(info.DataOffsets[0]), int64(info.DataOffsets[1])
	if begin < 0 || end < begin || end > size-data {
		return s, badf(file, "offsets", "tensor %s: its data ranges from byte %d to %d, but the file has %d bytes of data", name, begin, end, size-data)
	}
	if end-begin != elements*width {
		return s, badf(file, "shape", "tensor %s: shape %v of %v needs %d bytes, but its offsets span %d", name, info.Shape, info.DType, elements*width, end-begin)
	}
	s.name, s.typ, s.dtype, s.begin, s.end = name, t, info.DType.String(), data+begin, data+end
	return s, nil
}

func checkOverlap(spans []span, file string) error {
	byBegin := slices.Clone(spans)
	slices.SortFunc(byBegin, func(a, b span) int {
		if a.begin != b.begin {
			return int(min(max(a.begin-b.begin, -1), 1))
		}
		return int(min(max(a.end-b.end, -1), 1))
	})
	for i := 1; i < len(byBegin); i++ {
		if a, b := byBegin[i-1], byBegin[i]; b.begin < a.end {
			return badf(file, "offsets", "tensors %s and %s share bytes", a.name, b.name)
		}
	}
	return nil
}
