//go:build amd64 && gc && !noasm && !purego

package codec

import "github.com/carat-llm/carat/gguf"

// iqLanes are the functions of a tier for the IQ formats.
type iqLanes struct {
	*lanes
	searchIQ4 func(scales, x, w, nearest *float32)
}

var iqLanesAVX2 = &iqLanes{
	lanes:     lanesAVX2,
	searchIQ4: searchIQ4AVX2,
}

var iqLanesAVX512 = &iqLanes{
	lanes:     lanesAVX512,
	searchIQ4: searchIQ4AVX512,
}

func (k *iqLanes) encoders() map[gguf.Type]encoder {
	return map[gguf.Type]encoder{
		gguf.IQ4_NL: k.encodeIQ4NL,
		gguf.IQ4_XS: k.encodeIQ4XS,
	}
}
