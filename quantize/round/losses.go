package round

import (
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/hessian"
)

// Losses estimates, for each matrix that is multiplied with in and each of types, the squared error of the matrix's output for a
// token when it is rounded to the type as Input does: from a sample of rows, on held-out tokens. With plain, the encoder alone is
// asked, without importance.
func Losses(in *hessian.Input, matrices []Matrix, types []gguf.Type, plain bool, o Options) ([][]float64, error) {
	importance := in.Weights()
	losses := make([][]float64, len(matrices))
	samples := make([][]float32, len(matrices))
	for i, m := range matrices {
		losses[i] = make([]float64, len(types))
		n := min(m.Rows, sample)
		samples[i] = make([]float32, n*in.Cols)
		for j := range n {
			if err := m.Read(samples[i][j*in.Cols:][:in.Cols], sampled(j, n, m.Rows), 1); err != nil {
				return nil, err
			}
		}
	}
	for _, tile := range in.Tiles {
		judge := judgeOf(tile)
		for _, g := range groups(types) {
			var f *hessian.Factor
			if !plain && g > 0 && tile.Train.Enough() {
				f, _ = tile.Train.Factor(hessian.Typical, g) // without one the encoder is asked
			}
			for i, m := range matrices {
				x := columns(samples[i], in.Cols, tile.First, tile.Train.Cols)
				weights := importance[tile.First:][:tile.Train.Cols]
				if plain {
					weights = nil
				}
				for k, t := range types {
					if group(t) != g || tile.Train.Cols%t.BlockSize() != 0 {
						continue
					}
					c, _ := codec.For(t)
					encoded := make([]byte, len(x)/tile.Train.Cols*int(t.RowBytes(int64(tile.Train.Cols))))
					c.Encode(encoded, x, tile.Train.Cols, weights)
					if f != nil {
						rows(encoded, x, t, f, o)
					}
					scale := float64(m.Rows) / float64(len(x)/tile.Train.Cols) / float64(judge.Rows)
					losses[i][k] += scale * loss(judge, t, x, encoded)
				}
			}
		}
	}
	return losses, nil
}
