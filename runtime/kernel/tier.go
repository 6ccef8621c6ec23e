package kernel

import "github.com/carat-llm/carat/internal/cpu"

// tier is one implementation of the primitive operations. The comment of each field is the contract
// that all tiers keep; tile_generic.go is the reference.
type tier struct {
	id cpu.Tier
	// dot4 adds to dst[r] the product of w[r*stride:][:k] and x[:k], for 4 rows r; k%8 == 0.
	dot4 func(dst *[4]float32, w []float32, stride int, x []float32, k int)
	// weightedSum sets dst[i] to the sum over j of p[j]*v[j*stride+i], j ascending; len(dst)%8 == 0.
	weightedSum func(dst, p, v []float32, stride int)
	vectors
	products
	dense
}

var generic = tier{
	id: cpu.Generic, dot4: dot4Generic, weightedSum: weightedSumGeneric,
	vectors: vectorsGeneric, products: productsGeneric, dense: denseGeneric,
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
