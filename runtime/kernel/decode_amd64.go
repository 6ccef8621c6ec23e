//go:build amd64 && gc && !noasm && !purego

package kernel

import "github.com/carat-llm/carat/gguf"

var decodersAVX2 = map[gguf.Type]func(dst []float32, src []byte){}
