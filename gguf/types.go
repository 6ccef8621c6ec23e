package gguf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/internal/suggest"
)

// Type is a tensor type by its number in GGUF files (ggml_type).
type Type uint32

// The tensor types of GGUF. Numbers absent here were removed from the format.
const (
	F32     Type = 0
	F16     Type = 1
	Q4_0    Type = 2
	Q4_1    Type = 3
	Q5_0    Type = 6
	Q5_1    Type = 7
	Q8_0    Type = 8
	Q8_1    Type = 9
	Q2_K    Type = 10
	Q3_K    Type = 11
	Q4_K    Type = 12
	Q5_K    Type = 13
	Q6_K    Type = 14
	Q8_K    Type = 15
	IQ2_XXS Type = 16
	IQ2_XS  Type = 17
	IQ3_XXS Type = 18
	IQ1_S   Type = 19
	IQ4_NL  Type = 20
	IQ3_S   Type = 21
	IQ2_S   Type = 22
	IQ4_XS  Type = 23
	I8      Type = 24
	I16     Type = 25
	I32     Type = 26
	I64     Type = 27
	F64     Type = 28
	IQ1_M   Type = 29
	BF16    Type = 30
	TQ1_0   Type = 34
	TQ2_0   Type = 35
	MXFP4   Type = 39
	NVFP4   Type = 40
	Q1_0    Type = 41
	Q2_0    Type = 42
)

// typeInfo is one row of the type table: name, elements per block, bytes per block.
type typeInfo struct {
	name       string
	blockSize  int
	blockBytes int
}

var types = map[Type]typeInfo{
	F32: {"F32", 1, 4}, F16: {"F16", 1, 2}, BF16: {"BF16", 1, 2}, F64: {"F64", 1, 8},
	I8: {"I8", 1, 1}, I16: {"I16", 1, 2}, I32: {"I32", 1, 4}, I64: {"I64", 1, 8},
	Q4_0: {"Q4_0", 32, 18}, Q4_1: {"Q4_1", 32, 20}, Q5_0: {"Q5_0", 32, 22}, Q5_1: {"Q5_1", 32, 24},
	Q8_0: {"Q8_0", 32, 34}, Q8_1: {"Q8_1", 32, 36},
	Q2_K: {"Q2_K", 256, 84}, Q3_K: {"Q3_K", 256, 110}, Q4_K: {"Q4_K", 256, 144},
	Q5_K: {"Q5_K", 256, 176}, Q6_K: {"Q6_K", 256, 210}, Q8_K: {"Q8_K", 256, 292},
	IQ2_XXS: {"IQ2_XXS", 256, 66}, IQ2_XS: {"IQ2_XS", 256, 74}, IQ2_S: {"IQ2_S", 256, 82},
	IQ3_XXS: {"IQ3_XXS", 256, 98}, IQ3_S: {"IQ3_S", 256, 110},
	IQ1_S: {"IQ1_S", 256, 50}, IQ1_M: {"IQ1_M", 256, 56},
	IQ4_NL: {"IQ4_NL", 32, 18}, IQ4_XS: {"IQ4_XS", 256, 136},
	TQ1_0: {"TQ1_0", 256, 54}, TQ2_0: {"TQ2_0", 256, 66},
	MXFP4: {"MXFP4", 32, 17}, NVFP4: {"NVFP4", 64, 36}, Q1_0: {"Q1_0", 128, 18}, Q2_0: {"Q2_0", 64, 18},
}

// Valid reports whether t is a type of the current format.
func (t Type) Valid() bool { _, ok := types[t]; return ok }

// String returns the type's name in capitals, as in "Q4_K".
func (t Type) String() string {
	if i, ok := types[t]; ok {
		return i.name
	}
	return fmt.Sprintf("type(%d)", uint32(t))
}

// BlockSize is the number of elements that are encoded together; a row must be a multiple of it.
// It is 0 for a type that is not Valid.
func (t Type) BlockSize() int { return types[t].blockSize }

// BlockBytes is the size of one encoded block in bytes.
func (t Type) BlockBytes() int { return types[t].blockBytes }

// BitsPerWeight is the size of an element in bits, on average over a block. It is 0 for a type that is not Valid.
func (t Type) BitsPerWeight() float64 {
	if !t.Valid() {
		return 0
	}
	return 8 * float64(t.BlockBytes()) / float64(t.BlockSize())
}

// RowBytes is the size of a row of cols elements. cols must be a multiple of BlockSize.
func (t Type) RowBytes(cols int64) int64 {
	i := types[t]
	return cols / int64(i.blockSize) * int64(i.blockBytes)
}

// Quantized reports whether elements share a scale: every type but the plain floats and integers.
func (t Type) Quantized() bool { return types[t].blockSize > 1 }

// ParseType finds a type by name, in any case.
func ParseType(name string) (Type, error) {
	for t, i := range types {
		if strings.EqualFold(i.name, name) {
			return t, nil
		}
	}
	var names []string
	for _, i := range types {
		names = append(names, i.name)
	}
	slices.Sort(names) // maps have no order
	return 0, errors.New(suggest.Unknown("tensor type", name, names))
}
