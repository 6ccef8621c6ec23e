// Package pickletest writes checkpoints as torch.save does, sound and broken ones, for tests.
package pickletest

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/carat-llm/carat/convert/safetensors"
)

// Instructions of pickles.
const (
	Proto, Mark, Stop                              = "\x80\x02", "(", "."
	Dict, Items, Tuple, TupleEnd, Reduce, ID, None = "}", "u", "(", "t", "R", "Q", "N"
)

// Str, Int and Global are instructions with their operands.
func Str(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// Int pushes a number.
func Int(n int64) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

// Ints pushes a tuple of numbers.
func Ints(ns ...int64) string {
	s := Tuple
	for _, n := range ns {
		s += Int(n)
	}
	return s + TupleEnd
}

// Global pushes what a module has under a name.
func Global(module, name string) string { return "c" + module + "\n" + name + "\n" }

// Storage pushes a storage of n elements.
func Storage(class, key string, n int64) string {
	return Tuple + Str("storage") + Global("torch", class) + Str(key) + Str("cpu") + Int(n) + TupleEnd + ID
}

// Tensor pushes a tensor of a storage.
func Tensor(storage string, offset int64, shape, strides []int64) string {
	return Global("torch._utils", "_rebuild_tensor_v2") + Tuple + storage + Int(offset) + Ints(shape...) + Ints(strides...) + "\x89" +
		Global("collections", "OrderedDict") + ")R" + TupleEnd + Reduce
}

// Saved is a whole pickle of a dictionary whose entries are keys and values.
func Saved(entries string) string { return Proto + Dict + Mark + entries + Items + Stop }

// Archive is a zip archive with entries below a folder; method is the one of all.
func Archive(method uint16, entries map[string]string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: "archive/" + name, Method: method})
		if err == nil {
			_, err = w.Write([]byte(entries[name]))
		}
		if err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

var classes = map[string]string{"F64": "DoubleStorage", "F32": "FloatStorage", "F16": "HalfStorage", "BF16": "BFloat16Storage", "U8": "ByteStorage",
	"I64": "LongStorage", "I32": "IntStorage", "I16": "ShortStorage", "I8": "CharStorage", "BOOL": "BoolStorage"}

// Checkpoint is what torch.save would make of the tensors.
func Checkpoint(tensors []*safetensors.Tensor) ([]byte, error) {
	entries, state := map[string]string{"byteorder": "little", "version": "3\n"}, ""
	for i, t := range tensors {
		b := make([]byte, t.Size())
		if err := t.ReadAt(b, 0); err != nil {
			return nil, err
		}
		class := classes[t.DType]
		if class == "" {
			return nil, fmt.Errorf("%s has the type %s", t.Name, t.DType)
		}
		strides, n := make([]int64, len(t.Shape)), int64(1)
		for d := len(t.Shape) - 1; d >= 0; d-- {
			strides[d] = n
			n *= t.Shape[d]
		}
		key := fmt.Sprint(i)
		entries["data/"+key] = string(b)
		state += Str(t.Name) + Tensor(Storage(class, key, n), 0, t.Shape, strides)
	}
	entries["data.pkl"] = Saved(state)
	return Archive(zip.Store, entries), nil
}
