//go:build !(amd64 && gc && !noasm && !purego)

package codec

import (
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
)

// nativeEncoders is empty: this binary has no encoders in assembly.
var nativeEncoders map[cpu.Tier]map[gguf.Type]encoder
