//go:build amd64 && gc && !noasm && !purego

package codec

import (
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/cpu"
)

//go:generate go -C _gen run . ..

// nativeEncoders has the encoders with assembly of each tier. Their bytes are those of the generic ones.
var nativeEncoders = map[cpu.Tier]map[gguf.Type]encoder{}
