//go:build !(amd64 && gc && !noasm && !purego)

package codec

import (
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
)

// native is empty: this binary has no decoders in assembly.
var native map[cpu.Tier]map[gguf.Type]func(dst []float32, src []byte)
