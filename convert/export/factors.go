package export

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/gguf"
)

// Factors of rotary frequencies are tensors in GGUF, and numbers in config.json: Llama 3's are made of four numbers, of which the
// tensor shows the largest factor; the others are those of published models. LongRoPE's stand in config.json as they are.

// original are the contexts of published models before they were extended.
var original = []float64{8192, 4096, 2048, 16384, 32768, 131072}

// factorsOf completes a config's rope_scaling in every way that is known, the likeliest first.
func factorsOf(v map[string]any, tensors []gguf.Tensor) ([]map[string]any, error) {
	with := func(scaling map[string]any) map[string]any {
		out := maps.Clone(v)
		out["rope_scaling"] = scaling
		return out
	}
	long, err := floats(tensors, "rope_factors_long.weight")
	short, err2 := floats(tensors, "rope_factors_short.weight")
	freqs, err3 := floats(tensors, "rope_freqs.weight")
	switch {
	case err != nil || err2 != nil || err3 != nil:
		return nil, errors.Join(err, err2, err3)
	case long != nil && short != nil:
		return []map[string]any{with(map[string]any{"type": "longrope", "long_factor": number(long), "short_factor": number(short)})}, nil
	case freqs == nil:
		return []map[string]any{v}, nil
	}
	var all []map[string]any
	for _, n := range append(original, 16, 32, 64, 128, 256, 512, 1024) {
		all = append(all, with(map[string]any{"rope_type": "llama3", "factor": number(slices.Max(freqs)), "low_freq_factor": 1.0, "high_freq_factor": 4.0,
			"original_max_position_embeddings": n}))
	}
	return all, nil
}

// floats reads a tensor of float32 whole, nil if there is none. It has one row.
func floats(tensors []gguf.Tensor, name string) ([]float32, error) {
	i := slices.IndexFunc(tensors, func(t gguf.Tensor) bool { return t.Info().Name == name })
	if i < 0 {
		return nil, nil
	}
	in := tensors[i].Info()
	if in.Type != gguf.F32 || in.Rows() != 1 || in.Cols() > 1<<20 || in.Cols() == 0 {
		return nil, fmt.Errorf("tensor %s is %v of %v, expected one row of F32", name, in.Type, in.Shape)
	}
	raw, out := make([]byte, in.Bytes()), make([]float32, in.Cols())
	if err := tensors[i].ReadRows(raw, 0, 1); err != nil {
		return nil, err
	}
	decode(gguf.F32, out, raw)
	return out, nil
}

// sameComputed requires that tensors which are made from the config are those of the file.
func sameComputed(spec *arch.Spec, tensors []gguf.Tensor) error {
	for _, c := range spec.Computed {
		have, err := floats(tensors, c.Name)
		if err != nil {
			return err
		}
		if !slices.Equal(have, c.Values) {
			return fmt.Errorf("tensor %s is not what any config.json that is known would make", c.Name)
		}
	}
	return nil
}
