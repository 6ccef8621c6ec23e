package safetensors

import (
	"math"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
)

// Placed is a tensor whose bytes lie in a file of another format, from begin on. dtype is named as in this format; what
// is unknown here is an error of the caller's.
func Placed(name, dtype string, shape []int64, src *inputfile.File, begin int64) *Tensor {
	t := &Tensor{Name: name, Type: typeOf(dtype), DType: dtype, Shape: shape, src: src, begin: begin}
	t.size = t.Elements() * Width(dtype)
	return t
}

// Gathered is one whose bytes lie apart, and are put together by read, as with Made.
func Gathered(name, dtype string, shape []int64, read func(dst []byte, off int64) error) *Tensor {
	t := Placed(name, dtype, shape, nil, 0)
	t.read = read
	return t
}

// Width is the number of bytes of an element of a type that headers name, 0 of an unknown one.
func Width(dtype string) int64 {
	switch dtype {
	case "F64", "I64", "U64":
		return 8
	case "F32", "I32", "U32":
		return 4
	case "F16", "BF16", "I16", "U16":
		return 2
	case "I8", "U8", "BOOL", F8E4M3, F8E5M2, F8E8M0:
		return 1
	}
	return 0
}

// typeOf is GGUF's type of that name, or one that is not Valid.
func typeOf(dtype string) gguf.Type {
	for st, t := range types {
		if st.String() == dtype {
			return t
		}
	}
	return math.MaxUint32
}
