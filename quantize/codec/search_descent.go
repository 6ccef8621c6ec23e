package codec

// searchDescent finds a scale for x ≈ scale*(L-nmax) by coordinate descent on the correlation, weights x²
// (make_q3_quants).
func searchDescent(nmax int32, x []float32, L []uint8) float32 {
	L = L[:len(x)]
	signed, magnitude := absMax(x)
	if magnitude < tooSmall {
		clear(L)
		return 0
	}
	iscale := -float32(nmax) / signed
	var sumlx, suml2 float32
	for i, v := range x {
		l := clamp(nearest(float32(iscale*v)), -nmax, nmax-1)
		L[i] = uint8(l) // with its sign until the end
		w, f := float32(v*v), float32(l)
		sumlx += float32(float32(w*v) * f)
		suml2 += float32(float32(w*f) * f)
	}
	for range 5 {
		changed := false
		for i, v := range x {
			w, f := float32(v*v), float32(int8(L[i]))
			slx := sumlx - float32(float32(w*v)*f)
			if !(slx > 0) { // not <=: NaN stops here too, as in the reference
				continue
			}
			sl2 := suml2 - float32(float32(w*f)*f)
			l := clamp(nearest(float32(v*sl2)/slx), -nmax, nmax-1)
			if l == int32(int8(L[i])) {
				continue
			}
			f = float32(l)
			slx += float32(float32(w*v) * f)
			sl2 += float32(float32(w*f) * f)
			if sl2 > 0 && float32(float32(slx*slx)*suml2) > float32(float32(sumlx*sumlx)*sl2) {
				L[i] = uint8(l)
				sumlx, suml2 = slx, sl2
				changed = true
			}
		}
		if !changed {
			break
		}
	}
	for i := range L {
		L[i] += uint8(nmax)
	}
	if suml2 > 0 {
		return sumlx / suml2
	}
	return 0
}

// searchPositive finds a scale for x ≈ scale*L with L from 0 to nmax, weights w (make_qp_quants). It serves
// the scales and minima of sub-blocks, which are not negative, and IQ2_XXS, where an element that had to take
// another sign is.
func searchPositive(nmax int32, x []float32, L []uint8, w []float32) float32 {
	L, w = L[:len(x)], w[:len(x)]
	var most float32
	for _, v := range x {
		if v > most {
			most = v
		}
	}
	if most < tooSmall {
		clear(L)
		return 0
	}
	// Squared error of the grid with this inverse scale. The reference holds the levels of the first try in bytes
	// and does not limit them, so that those of negative elements wrap around.
	mse := func(iscale float32, first bool) float32 {
		scale := 1 / iscale
		var e float32
		for i, v := range x {
			l := nearest(float32(iscale * v))
			if first {
				l = int32(uint8(l))
			} else {
				l = min(nmax, l)
			}
			diff := v - float32(scale*float32(l))
			e += float32(float32(w[i]*diff) * diff)
		}
		return e
	}
	iscale := float32(nmax) / most
	best := mse(iscale, true)
	for is := -4; is <= 4; is++ {
		if is == 0 {
			continue
		}
		try := (float32(0.1*float32(is)) + float32(nmax)) / most
		if e := mse(try, false); e < best {
			best, iscale = e, try
		}
	}
	var sumlx, suml2 float32
	for i, v := range x {
		l := min(nmax, nearest(float32(iscale*v)))
		L[i] = uint8(l)
		f := float32(l)
		sumlx += float32(float32(w[i]*v) * f)
		suml2 += float32(float32(w[i]*f) * f)
	}
	for range 5 {
		changed := false
		for i, v := range x {
			f := float32(L[i])
			slx := sumlx - float32(float32(w[i]*v)*f)
			sl2 := suml2 - float32(float32(w[i]*f)*f)
			if !(slx > 0 && sl2 > 0) {
				continue
			}
			l := min(nmax, nearest(float32(v*sl2)/slx))
			if l == int32(L[i]) {
				continue
			}
			f = float32(l)
			slx += float32(float32(w[i]*v) * f)
			sl2 += float32(float32(w[i]*f) * f)
			if float32(float32(slx*slx)*suml2) > float32(float32(sumlx*sumlx)*sl2) {
				L[i] = uint8(l)
				sumlx, suml2 = slx, sl2
				changed = true
			}
		}
		if !changed {
			break
		}
	}
	if suml2 > 0 {
		return sumlx / suml2
	}
	return 0
}
