//go:build amd64 && gc && !noasm && !purego

package kernel

var (
	denseAVX2 = dense{
		floats:     func(t *floatTile) { floatsAVX2[t.form()][t.width](t.checked()) },
		joinLanes:  func(dst, l []float32) { joinChecked(dst, l, joinLanesAVX2) },
		floatWidth: len(floatsAVX2[0]) - 1,
	}
	denseAVX512 = dense{
		floats:     func(t *floatTile) { floatsAVX512[t.form()][t.width](t.checked()) },
		joinLanes:  func(dst, l []float32) { joinChecked(dst, l, joinLanesAVX512) },
		floatWidth: len(floatsAVX512[0]) - 1,
	}
)
