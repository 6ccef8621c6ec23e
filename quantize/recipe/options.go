package recipe

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// Options override the rules.
type Options struct {
	// Pure gives every eligible tensor the default type.
	Pure bool
	// LeaveOutputTensor keeps output.weight as it is.
	LeaveOutputTensor bool
	// OutputTensorType and TokenEmbeddingType fix these two; nil leaves them to the rules.
	OutputTensorType, TokenEmbeddingType *gguf.Type
	// TensorTypes are tried in order; the first that matches a tensor's name fixes its type.
	TensorTypes []TensorType
	// KeepQuantized leaves tensors as they are that are quantized in the source already.
	KeepQuantized bool
	// File, if not nil, names every tensor's type, and no rule is asked. It goes with none of the above.
	File *File
	// NoFallback makes a row length that a type's blocks do not divide an error.
	NoFallback bool
	// HasImatrix says that importance weights are given: some rules spend fewer bits then.
	HasImatrix bool
}

// TensorType fixes the type of the tensors whose name a pattern matches somewhere.
type TensorType struct {
	Pattern *regexp.Regexp
	Type    gguf.Type
}

func (tt TensorType) reason() string { return "--tensor-type " + tt.Pattern.String() }

// ParseTensorType reads "REGEX=TYPE". The pattern is used as it is given; llama-quantize lower-cases it.
func ParseTensorType(s string) (TensorType, error) {
	i := strings.LastIndexByte(s, '=')
	if i < 1 {
		return TensorType{}, fmt.Errorf("expected REGEX=TYPE (got %q)", s)
	}
	re, err := regexp.Compile(s[:i])
	if err != nil {
		return TensorType{}, fmt.Errorf("%q: %w", s, err)
	}
	t, err := gguf.ParseType(s[i+1:])
	if err != nil {
		return TensorType{}, fmt.Errorf("%q: %w", s, err)
	}
	return TensorType{re, t}, nil
}
