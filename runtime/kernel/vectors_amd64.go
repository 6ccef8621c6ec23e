//go:build amd64 && gc && !noasm && !purego

package kernel

var vectorsAVX2 = vectors{
	add: addAVX2, scale: scaleAVX2, addScaled: addScaledAVX2,
	swiglu: swigluAVX2, geglu: gegluAVX2, gelu: geluAVX2,
	squares: squaresAVX2, addSquares: addSquaresAVX2, weighted: weightedAVX2,
	total: totalAVX2, deviations: deviationsAVX2, centred: centredAVX2,
	peak: peakAVX2, expSum: expSumAVX2, turnHalves: turnHalvesAVX2, turnPairs: turnPairsAVX2,
	exp: expAVX2, product: productAVX2, peaks: peaksAVX2, weigh: weighAVX2, scaleBytes: scaleBytesAVX2,
}

var vectorsAVX512 = vectors{
	add: addAVX512, scale: scaleAVX512, addScaled: addScaledAVX512,
	swiglu: swigluAVX512, geglu: gegluAVX512, gelu: geluAVX512,
	squares: squaresAVX512, addSquares: addSquaresAVX512, weighted: weightedAVX512,
	total: totalAVX512, deviations: deviationsAVX512, centred: centredAVX512,
	peak: peakAVX512, expSum: expSumAVX512, turnHalves: turnHalvesAVX512, turnPairs: turnPairsAVX512,
	exp: expAVX512, product: productAVX512, peaks: peaksAVX512, weigh: weighAVX512, scaleBytes: scaleBytesAVX512,
}
