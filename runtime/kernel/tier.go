package kernel

import "github.com/carat-llm/carat/internal/cpu"

//go:generate go -C _gen run . ..

// tier is one implementation of the primitive operations. The comment of each field is the contract
// that all tiers keep; plain Go is the reference.
type tier struct {
	id cpu.Tier
	vectors
	products
	dense
	attentionBF16
}

var generic = tier{
	id: cpu.Generic, vectors: vectorsGeneric, products: productsGeneric, dense: denseGeneric,
}

// tiers has the implementation of each of the processor's tiers, by its number: that of the tier below it, changed by
// what the tier adds.
var tiers = func() (all [8]*tier) {
	below := &generic
	for _, id := range cpu.Ladder() {
		own := *below
		own.id = id
		if add := native[id]; add != nil {
			add(&own)
		}
		all[id], below = &own, &own
	}
	return all
}()

// active is the implementation in use. Operations ask once, before their loops.
func active() *tier { return tiers[cpu.Current()] }
