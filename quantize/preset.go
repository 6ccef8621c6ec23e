package quantize

import (
	"errors"
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/quantize/recipe"
)

// presets are the file types that people share, which files of other types are compared with: not the older ones, such as Q4_0,
// that a K-quant of fewer bytes beats.
var presets = []recipe.FileType{
	recipe.IQ1_S, recipe.IQ1_M, recipe.IQ2_XXS, recipe.IQ2_XS, recipe.IQ2_S, recipe.IQ2_M, recipe.Q2_K_S, recipe.Q2_K,
	recipe.IQ3_XXS, recipe.IQ3_XS, recipe.IQ3_S, recipe.IQ3_M, recipe.Q3_K_S, recipe.Q3_K_M, recipe.Q3_K_L, recipe.IQ4_XS, recipe.IQ4_NL,
	recipe.Q4_K_S, recipe.Q4_K_M, recipe.Q5_K_S, recipe.Q5_K_M, recipe.Q6_K, recipe.Q8_0,
}

// slack is the share of bytes by which a preset may be larger than the file that it is compared with: it is the better for it.
const slack = 0.005

// ErrNoPreset says that all presets are larger.
var ErrNoPreset = errors.New("every preset is larger")

// NearestPreset is the largest preset of src that has no more than bytes, or up to 0.5 % more, and its plan; o says how it is made
// but for the type. Presets that cannot be made with o are passed over.
func NearestPreset(src gguf.Model, o Options, bytes int64) (recipe.FileType, *Plan, error) {
	var best recipe.FileType
	var plan *Plan
	var size int64
	for _, ft := range presets {
		o.FileType = ft
		p, err := NewPlan(src, o)
		if err != nil {
			continue // a type that a client does not read, or that wants weights which are not there
		}
		s, err := p.Summary()
		if err != nil {
			return 0, nil, err
		}
		if s.FileBytes > size && float64(s.FileBytes) <= (1+slack)*float64(bytes) {
			best, plan, size = ft, p, s.FileBytes
		}
	}
	if plan == nil {
		return 0, nil, fmt.Errorf("%w than %s", ErrNoPreset, display.Bytes(bytes))
	}
	return best, plan, nil
}
