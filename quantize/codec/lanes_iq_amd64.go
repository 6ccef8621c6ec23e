//go:build amd64 && gc && !noasm && !purego

package codec

import "github.com/carat-llm/carat/gguf"

// iqLanes are the functions of a tier for the IQ formats.
type iqLanes struct {
	*lanes
	searchIQ4                func(scales, x, w, nearest *float32)
	weighEvenly, weighRaised func(w, x, sigma2 *float32, n int)
	gridSigns, gridEvenSigns func(most, magnitudes, roots *float32, signs *uint32, x, w *float32, groups int)
	gridRows                 func(rows, columns *float32, n int)
	grids8, grids4           gridKernels

	iq1Sort32  func(places *uint32, most, sortedX, sortedW, x, w *float32)
	iq1Sort16  func(places *uint32, most, sortedX, sortedW, second, x, w *float32)
	splitIQ1S  func(scale *float32, split *int32, wx, w, scratch *float32)
	splitIQ1M  func(scale *float32, split *int32, x, w, second, scratch *float32)
	iq1Codes   func(codes *uint16, scale *float32, split *int32, places *uint32, groups int)
	iq1Nearest func(found, codes *uint16, scales, x, weights *float32, wanted *uint16, tries int, lookup, lists *uint32, points *uint16)
	iq1Sums    func(sumqx, sumq2, x, w *float32, index *uint16, stride int, points, shifts *uint32, factor *float32, groups int)
}

var iqLanesAVX2 = &iqLanes{
	lanes:       lanesAVX2,
	searchIQ4:   searchIQ4AVX2,
	weighEvenly: weighEvenlyAVX2, weighRaised: weighRaisedAVX2,
	gridSigns: gridSignsAVX2, gridEvenSigns: gridEvenSignsAVX2, gridRows: gridRowsAVX2,
	grids8: gridKernels{gridCodes8AVX2, gridLines8AVX2, gridNearest8AVX2, gridSums8AVX2},
	grids4: gridKernels{gridCodes4AVX2, gridLines4AVX2, gridNearest4AVX2, gridSums4AVX2},

	iq1Sort32: iq1Sort32AVX2, iq1Sort16: iq1Sort16AVX2, splitIQ1S: splitIQ1SAVX2, splitIQ1M: splitIQ1MAVX2,
	iq1Codes: iq1CodesAVX2, iq1Nearest: iq1NearestAVX2, iq1Sums: iq1SumsAVX2,
}

var iqLanesAVX512 = &iqLanes{
	lanes:       lanesAVX512,
	searchIQ4:   searchIQ4AVX512,
	weighEvenly: weighEvenlyAVX512, weighRaised: weighRaisedAVX512,
	gridSigns: gridSignsAVX512, gridEvenSigns: gridEvenSignsAVX512, gridRows: gridRowsAVX512,
	grids8: gridKernels{gridCodes8AVX512, gridLines8AVX512, gridNearest8AVX512, gridSums8AVX512},
	grids4: gridKernels{gridCodes4AVX512, gridLines4AVX512, gridNearest4AVX512, gridSums4AVX512},

	iq1Sort32: iq1Sort32AVX512, iq1Sort16: iq1Sort16AVX512, splitIQ1S: splitIQ1SAVX512, splitIQ1M: splitIQ1MAVX512,
	iq1Codes: iq1CodesAVX512, iq1Nearest: iq1NearestAVX512, iq1Sums: iq1SumsAVX512,
}

func (k *iqLanes) encoders() map[gguf.Type]encoder {
	return map[gguf.Type]encoder{
		gguf.IQ4_NL: k.encodeIQ4NL,
		gguf.IQ4_XS: k.encodeIQ4XS,
		gguf.NVFP4:  k.encodeBlocks(gguf.NVFP4, 1, encodeNVFP4),

		gguf.IQ1_S:   k.encodeIQ1S,
		gguf.IQ1_M:   k.encodeIQ1M,
		gguf.IQ2_XXS: k.encodeGrid(fitIQ2XXS, 66, packIQ2XXS, encodeIQ2XXSBlock),
		gguf.IQ2_XS:  k.encodeGrid(fitIQ2XS, 74, packIQ2XS, encodeIQ2XSBlock),
		gguf.IQ2_S:   k.encodeGrid(fitIQ2S, 82, packIQ2S, encodeIQ2SBlock),
		gguf.IQ3_XXS: k.encodeGrid(fitIQ3XXS, 98, packIQ3XXS, encodeIQ3XXSBlock),
		gguf.IQ3_S:   k.encodeGrid(fitIQ3S, 110, packIQ3S, encodeIQ3SBlock),
	}
}
