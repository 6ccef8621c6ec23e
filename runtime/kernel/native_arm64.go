//go:build gc && !noasm && !purego

package kernel

import "github.com/carat-llm/carat/internal/cpu"

// native has what tiers add.
var native = map[cpu.Tier]func(t *tier){
	cpu.NEON: func(t *tier) { t.vectors, t.products, t.dense = vectorsNEON, productsNEON, denseNEON },
}
