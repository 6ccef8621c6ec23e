package quantize

import (
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
)

// columnImportance finds the weights of t in the importance matrix, which has them under the source's name. Without
// a matrix, and for types that make no use of one, there is nothing to find.
func (o *Options) columnImportance(t *Target) error {
	if o.Imatrix == nil {
		return nil
	}
	var err error
	if t.weights, t.ZeroWeights, err = Importance(o.Imatrix, t.TensorInfo, t.sourceName); err != nil {
		return err
	}
	c, _ := codec.For(t.Type)
	t.Unweighted = t.weights == nil && !c.IgnoresWeights && !goesWithout(t.Name)
	return nil
}

// Importance returns the weights of the columns of t, expert by expert, as its type is encoded with them: nil when
// m has none for sourceName or the type makes no use of them. zero counts the blocks whose weights are all zero and
// that weigh alike instead.
func Importance(m *imatrix.Matrix, t gguf.TensorInfo, sourceName string) (weights []float32, zero int, err error) {
	experts := int64(1)
	if len(t.Shape) > 2 {
		experts = t.Shape[2]
	}
	w, err := m.Weights(sourceName, t.Cols()*experts)
	// The reference too does without where they do not fit the token embedding.
	if err != nil && t.Name != "token_embd.weight" {
		return nil, 0, err
	}
	if c, ok := codec.For(t.Type); !ok || c.IgnoresWeights {
		return nil, 0, nil
	}
	weights, zero = fillZeroBlocks(w, t.Type.BlockSize())
	return weights, zero, nil
}

// fillZeroBlocks replaces the weights of blocks in which all are zero by ones, and counts these blocks. Such
// columns saw no activation during calibration; encoders would give up the whole block, here its elements weigh
// alike instead, as those of an expert that saw nothing do. weights itself stays as it is.
func fillZeroBlocks(weights []float32, size int) (filled []float32, zero int) {
	filled = weights
	for i := 0; i+size <= len(weights); i += size {
		if slices.ContainsFunc(weights[i:i+size], func(w float32) bool { return w != 0 }) {
			continue
		}
		if zero++; zero == 1 {
			filled = slices.Clone(weights)
		}
		for j := i; j < i+size; j++ {
			filled[j] = 1
		}
	}
	return filled, zero
}

// goesWithout names the tensors that importance matrices lack: embeddings are looked up, not multiplied, and the
// output is rarely collected.
func goesWithout(name string) bool {
	return name == "token_embd.weight" || name == "per_layer_token_embd.weight" || name == "output.weight"
}

// needsWeights is true for types that are of no use without importance weights.
func (o *Options) needsWeights(t *Target) bool {
	if goesWithout(t.Name) || o.Calibration.SHA256 != "" {
		return false
	}
	switch t.Type {
	case gguf.IQ1_S, gguf.IQ1_M, gguf.IQ2_XXS, gguf.IQ2_XS, gguf.IQ2_S, gguf.IQ3_XXS:
		return true
	case gguf.Q2_K:
		return o.FileType == recipe.Q2_K_S
	}
	return false
}

func (o *Options) keepsWeights(name string) bool {
	has := func(parts []string) bool {
		return slices.ContainsFunc(parts, func(s string) bool { return strings.Contains(name, s) })
	}
	return (len(o.IncludeWeights) == 0 || has(o.IncludeWeights)) && !has(o.ExcludeWeights)
}

// checkWeights refuses parts of names that include or exclude nothing.
func (o *Options) checkWeights(src gguf.Model) error {
	var names []string
	given := o.Imatrix.Names()
	for _, t := range src.Tensors() {
		if name := t.Info().Name; slices.Contains(given, name) {
			names = append(names, name)
		}
	}
	for option, parts := range map[string][]string{"--include-weights": o.IncludeWeights, "--exclude-weights": o.ExcludeWeights} { // one of them at most is given
		for _, s := range parts {
			if !slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, s) }) {
				return fmt.Errorf("%w: %s %s matches no tensor that has an entry in the importance matrix%s", ErrOptions, option, s, suggest.DidYouMean(s, recipe.Spellings(s, names)))
			}
		}
	}
	return nil
}

// weighted says that some tensor has a type that uses importance weights.
func (p *Plan) weighted() bool {
	return slices.ContainsFunc(p.Tensors, func(t Target) bool {
		c, ok := codec.For(t.Type)
		return t.Type != t.Source && t.Type.Quantized() && ok && !c.IgnoresWeights && (t.weights != nil || t.Unweighted)
	})
}
