// Package recipe decides which type each tensor of a model gets in a file of a given file type.
//
// A file type such as Q4_K_M is a default tensor type and a set of rules that give more bits to the tensors
// that need them. The rules, and the order in which they are tried, are llama-quantize's, so that files are
// equal byte for byte: New takes a model's headers, and Next is called for each tensor in the order of
// the output file, because some rules count the tensors that came before.
package recipe

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/suggest"
)

// FileType is the number of a preset, as in general.file_type.
type FileType uint32

// Copy keeps every tensor's type. It is no number of the format.
const Copy FileType = 1 << 31

// The presets by number.
const (
	F32      FileType = 0
	F16      FileType = 1
	Q4_0     FileType = 2
	Q4_1     FileType = 3
	Q8_0     FileType = 7
	Q5_0     FileType = 8
	Q5_1     FileType = 9
	Q2_K     FileType = 10
	Q3_K_S   FileType = 11
	Q3_K_M   FileType = 12
	Q3_K_L   FileType = 13
	Q4_K_S   FileType = 14
	Q4_K_M   FileType = 15
	Q5_K_S   FileType = 16
	Q5_K_M   FileType = 17
	Q6_K     FileType = 18
	IQ2_XXS  FileType = 19
	IQ2_XS   FileType = 20
	Q2_K_S   FileType = 21
	IQ3_XS   FileType = 22
	IQ3_XXS  FileType = 23
	IQ1_S    FileType = 24
	IQ4_NL   FileType = 25
	IQ3_S    FileType = 26
	IQ3_M    FileType = 27
	IQ2_S    FileType = 28
	IQ2_M    FileType = 29
	IQ4_XS   FileType = 30
	IQ1_M    FileType = 31
	BF16     FileType = 32
	TQ1_0    FileType = 36
	TQ2_0    FileType = 37
	MXFP4MoE FileType = 38
	Q1_0     FileType = 40
	Q2_0     FileType = 41
)

// fileTypes lists the presets in the order shown to people.
var fileTypes = []struct {
	number FileType
	name   string
	tensor gguf.Type // the default
}{
	{F32, "F32", gguf.F32}, {F16, "F16", gguf.F16}, {BF16, "BF16", gguf.BF16}, {Copy, "COPY", gguf.F32},
	{Q8_0, "Q8_0", gguf.Q8_0}, {Q6_K, "Q6_K", gguf.Q6_K},
	{Q5_K_M, "Q5_K_M", gguf.Q5_K}, {Q5_K_S, "Q5_K_S", gguf.Q5_K}, {Q5_1, "Q5_1", gguf.Q5_1}, {Q5_0, "Q5_0", gguf.Q5_0},
	{Q4_K_M, "Q4_K_M", gguf.Q4_K}, {Q4_K_S, "Q4_K_S", gguf.Q4_K}, {Q4_1, "Q4_1", gguf.Q4_1}, {Q4_0, "Q4_0", gguf.Q4_0},
	{Q3_K_L, "Q3_K_L", gguf.Q3_K}, {Q3_K_M, "Q3_K_M", gguf.Q3_K}, {Q3_K_S, "Q3_K_S", gguf.Q3_K},
	{Q2_K, "Q2_K", gguf.Q2_K}, {Q2_K_S, "Q2_K_S", gguf.Q2_K},
	{IQ4_XS, "IQ4_XS", gguf.IQ4_XS}, {IQ4_NL, "IQ4_NL", gguf.IQ4_NL},
	{IQ3_M, "IQ3_M", gguf.IQ3_S}, {IQ3_S, "IQ3_S", gguf.IQ3_S}, {IQ3_XS, "IQ3_XS", gguf.IQ3_S}, {IQ3_XXS, "IQ3_XXS", gguf.IQ3_XXS},
	{IQ2_M, "IQ2_M", gguf.IQ2_S}, {IQ2_S, "IQ2_S", gguf.IQ2_XS}, {IQ2_XS, "IQ2_XS", gguf.IQ2_XS}, {IQ2_XXS, "IQ2_XXS", gguf.IQ2_XXS},
	{IQ1_M, "IQ1_M", gguf.IQ1_M}, {IQ1_S, "IQ1_S", gguf.IQ1_S},
	{TQ2_0, "TQ2_0", gguf.TQ2_0}, {TQ1_0, "TQ1_0", gguf.TQ1_0}, {MXFP4MoE, "MXFP4_MOE", gguf.MXFP4},
	{Q2_0, "Q2_0", gguf.Q2_0}, {Q1_0, "Q1_0", gguf.Q1_0},
}

var aliases = map[string]string{"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M"}

// Names lists the presets in the order shown to people.
func Names() []string {
	names := make([]string, len(fileTypes))
	for i, f := range fileTypes {
		names[i] = f.name
	}
	return names
}

// Valid reports whether ft is one of the presets.
func (ft FileType) Valid() bool {
	for _, f := range fileTypes {
		if f.number == ft {
			return true
		}
	}
	return false
}

// String is the preset's name, as in "Q4_K_M".
func (ft FileType) String() string {
	for _, f := range fileTypes {
		if f.number == ft {
			return f.name
		}
	}
	return fmt.Sprintf("filetype(%d)", uint32(ft))
}

// Default is the tensor type that the preset gives where no rule says otherwise. It means nothing for Copy
// and for numbers that are not Valid.
func (ft FileType) Default() gguf.Type {
	for _, f := range fileTypes {
		if f.number == ft {
			return f.tensor
		}
	}
	return gguf.F32
}

// ParseFileType finds a preset by name in any case, alias (Q4_K for Q4_K_M) or number.
func ParseFileType(s string) (FileType, error) {
	name := strings.ToUpper(s)
	if a, ok := aliases[name]; ok {
		name = a
	}
	n, err := strconv.ParseUint(s, 10, 31)
	for _, f := range fileTypes {
		if f.name == name || err == nil && f.number == FileType(n) {
			return f.number, nil
		}
	}
	err = errors.New(suggest.Unknown("file type", s, Names()))
	if suggest.DidYouMean(s, Names()) == "" {
		err = hint.Wrap(err, "file types: %s", strings.Join(Names(), " "))
	}
	return 0, err
}
