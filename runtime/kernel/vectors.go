package kernel

// vectors are the operations of a tier on vectors of float32 of any length. All tiers compute the same bits.
type vectors struct {
	// swiglu sets gate[i] = silu(gate[i]) * up[i].
	swiglu func(gate, up []float32)
	// geglu sets gate[i] = gelu(gate[i]) * up[i].
	geglu func(gate, up []float32)
	// gelu sets x[i] = gelu(x[i]).
	gelu func(x []float32)
}

var vectorsGeneric = vectors{swiglu: swigluGeneric, geglu: gegluGeneric, gelu: geluGeneric}
