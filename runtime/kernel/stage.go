package kernel

// stage is a stretch of a panel, made ready for tiles.
type stage struct {
	tile
	panel   []byte
	buf     []byte    // for codes
	d16     []float32 // scales of super-blocks
	d, mins []float32
	words   []int16
}

// take takes memory for stretches of that many blocks of a panel.
func (g *stage) take(s *Scratch, w *panels, panel []byte, kind activationKind, blocks int) {
	*g = stage{panel: panel, buf: s.Bytes(512 * blocks), d: s.Floats(2 * blocks * panelRows)}
	if w.f.Scaled {
		g.d16 = s.Floats((blocks + 7) / 8 * panelRows)
	}
	if w.f.Minima {
		g.mins = s.Floats(2 * blocks * panelRows)
	}
	if kind == wide {
		g.words = s.Int16s(512 * blocks)
	}
}

// fill unpacks n blocks from block b on, which begins a super-block.
func (g *stage) fill(w *panels, kind activationKind, b, n int) {
	k, panel, f := active(), g.panel, w.f
	sub, subs := b*blockCols/f.Sub, n*blockCols/f.Sub
	t := &g.tile
	t.blocks, t.subs, t.minima, t.scales, t.most = n, blockCols/f.Sub, 0, nil, w.most
	if f.Minima {
		t.minima, t.min = t.subs, g.mins
	}
	var scales []byte
	if f.Scaled {
		super, supers := b*blockCols/superCols, n*blockCols/superCols
		at := super * panelRows * 2
		scales = panel[w.scales+sub*panelRows:]
		k.halves(g.d16, panel[at:], supers, f.BF16Scales, w.factor)
		if kind == bytes8 || kind == wideBF16 {
			k.subScales(g.d, g.d16, scales, subs, superCols/f.Sub)
		} else {
			k.subScales(g.d, g.d16, nil, n, superCols/blockCols)
		}
		if f.Minima {
			k.halves(g.d16, panel[w.mins+at:], supers, f.BF16Scales, 1)
			k.subMinima(g.mins, g.d16, panel[w.minima+sub*panelRows:], subs, superCols/f.Sub)
		}
	} else {
		at := sub * panelRows * 2
		k.halves(g.d, panel[at:], subs, f.BF16Scales, w.factor)
		if f.Minima {
			k.halves(g.mins, panel[w.mins+at:], subs, f.BF16Scales, 1)
		}
	}
	t.d = g.d
	planes := panel[w.codes+b*vectorBytes*f.Bits:][:n*vectorBytes*f.Bits]
	if t.codes = g.buf; f.Bits == 8 {
		t.codes = planes
	} else {
		k.unpack(g.buf, planes, n, f.Bits, w.table)
	}
	switch {
	case kind == wideBF16:
		var min []float32
		if f.Minima {
			min = g.mins
		}
		k.toBF16(g.words, t.codes, g.d, min, n, t.subs, w.offset)
	case kind == wide:
		k.widen(g.words, t.codes, n, w.offset, scales, f.Sub)
		t.words = g.words
		if f.Scaled { // words have the sub-scales in them
			t.subs = 1
		}
	case (kind == narrow || kind == wideTiles) && f.Scaled:
		t.scales = scales
	}
}
