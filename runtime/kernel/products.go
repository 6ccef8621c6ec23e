package kernel

// products are the operations of products with weights of integers: part of a tier.
type products struct {
	// unpack sets dst to the codes of blocks of 32 columns, widen turns them into words.
	unpack func(dst, planes []byte, blocks, bits int, table *[16]uint8)
	widen  func(words []int16, codes []byte, blocks, offset int, scales []byte, sub int)
	// halves, subScales and subMinima make the scales and minima of a panel ready.
	halves    func(dst []float32, src []byte, n int, bf16 bool, factor float32)
	subScales func(dst, d []float32, scales []byte, n, per int)
	subMinima func(dst, min []float32, minima []byte, n, per int)
	// narrow, wide and bytes add the products of a tile to t.acc.
	narrow, wide, bytes func(t *tile)
	// single computes the products of a panel with one column, without what unpacks it, or says that it cannot.
	single func(t *singleTile) bool
	// exact adds the products of a tile with groups of 16 tokens; nil where there are no tiles.
	exact func(t *tile, e *exactArgs)
	// tilesBF16 adds the products of up to two panels with up to two times 16 tokens, in BF16; nil where there are no tiles.
	// toBF16 makes BF16 of codes, roundBF16 of activations.
	tilesBF16 func(t *bf16Args, panels, tokens int)
	toBF16    func(words []int16, codes []byte, d, min []float32, blocks, subs, offset int)
	roundBF16 func(words []int16, row []float32)
	// transpose makes rows of columns: blocks of 16 x 16 pairs of words.
	transpose func(dst, src []int16, blocks int)
	// roundNarrow, roundWide and roundBytes round a row of activations.
	roundNarrow func(bytes []int8, row, scales []float32, sums []int32)
	roundWide   func(words []int16, row, scales []float32, sums []int32)
	roundBytes  func(bytes []int8, row, scales []float32, sums []int32)

	// widths are the numbers of columns that tiles have at most, by the kind of activations.
	widths [5]int
	// mostSingles are the numbers of tokens, of exact and of fast computation, up to which single is the fastest.
	mostSingles [2]int
	// mostNarrow is the number of tokens up to which narrow is faster than making words of codes for wide.
	mostNarrow int
	// narrowWords says that narrow takes activations as wide does.
	narrowWords bool
}

var productsGeneric = products{
	unpack: unpackGeneric, widen: widenGeneric, halves: halvesGeneric, subScales: subScalesGeneric, subMinima: subMinimaGeneric,
	single: singleGeneric,
	narrow: narrowGeneric, wide: wideGeneric, bytes: bytesGeneric,
	roundNarrow: roundNarrowGeneric, roundWide: roundWideGeneric, roundBytes: roundBytesGeneric,
	widths: [5]int{narrow: 6, wide: 14, bytes8: 14, wideBF16: 32, wideTiles: exactTokens}, mostNarrow: 12, mostSingles: [2]int{1, 1},
}
