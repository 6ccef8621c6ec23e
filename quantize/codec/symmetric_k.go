package codec

// symmetricGrid is the grid of a Q3_K or Q6_K super-block, whose sub-blocks have a scale but no minimum: in sub-block j,
// x = scale[j]*(q-nmax).
type symmetricGrid struct {
	d     uint16   // f16, and
	ls    [16]int8 // codes of scales: these are stored
	scale [16]float32
}

// set rounds d to f16 and computes what the codes of scales then mean.
func (g *symmetricGrid) set(d float32) {
	g.d = F32ToF16(d)
	d = F16ToF32(g.d)
	for j, l := range g.ls {
		g.scale[j] = float32(d * float32(l))
	}
}

// round finds the codes of x on the grid. Where a scale became 0, those of the search stay.
func (g *symmetricGrid) round(nmax int32, x []float32, L *[superBlock]uint8) {
	for j, scale := range g.scale {
		if scale == 0 {
			continue
		}
		for i, v := range x[16*j : 16*j+16] {
			L[16*j+i] = uint8(clamp(nearest(v/scale), -nmax, nmax-1) + nmax)
		}
	}
}
