package prequant

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
)

// Tensor is a tensor of a checkpoint as a model family knows it.
type Tensor struct {
	// Tensor is the file's own, or one of float32 that is decoded when it is read.
	*safetensors.Tensor
	// Kept are the same elements in blocks of GGUF's, but for the factors in Scales; nil where there are none.
	Kept *safetensors.Tensor
	// Scales stand beside Kept.
	Scales []Scale
	// Turned says that the last two dimensions are output x input although the family's are input x output.
	Turned bool
}

// Scale is a factor that GGUF has in a tensor of its own beside the weight.
type Scale struct {
	Name  string // what the tensor's name ends with: scale, which results are multiplied with, or input_scale of the activations
	Value float32
}

// Set is a checkpoint's tensors.
type Set struct {
	Tensors []*Tensor
	// Activations and Cache are the names of scales that are left out: of activations and of the key-value cache.
	Activations, Cache []string
}

// Endings of names of scales that no weight has.
var (
	activationScales = []string{".input_scale", ".input_zero_point", ".input_global_scale", ".input_scale_ub", "activation_scale", ".qscale_act"}
	cacheScales      = []string{".k_scale", ".v_scale", ".q_scale", ".kv_scale", ".output_scale", ".k_zero_point", ".v_zero_point", ".prob_output_scale"}
)

// Tensors makes weights of what is quantized, in the order in which the reference converter writes them; other tensors
// are as they were. c is nil for checkpoints that are not quantized.
func Tensors(tensors []*safetensors.Tensor, c *Config) (*Set, error) {
	s := &Set{}
	if c == nil {
		for _, t := range tensors {
			s.Tensors = append(s.Tensors, &Tensor{Tensor: t})
		}
		return s, nil
	}
	byName := make(map[string]*safetensors.Tensor, len(tensors))
	for _, t := range tensors {
		byName[t.Name] = t
	}
	found, used := map[string]*Tensor{}, map[string]bool{}
	var last []*Tensor
	for _, t := range tensors {
		w, l, err := c.recognise(t, byName)
		if err != nil {
			return nil, err
		}
		if w == nil {
			continue
		}
		made, err := l.open(w)
		if err != nil {
			return nil, err
		}
		for _, p := range w.parts {
			if p != nil {
				used[p.Name] = true
			}
		}
		if l.last {
			last, used[t.Name] = append(last, made), true
		} else {
			found[t.Name] = made
		}
	}
	ends := func(name string, with []string) bool {
		return slices.ContainsFunc(with, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
	}
	for _, t := range tensors {
		switch {
		case found[t.Name] != nil:
			s.Tensors = append(s.Tensors, found[t.Name])
		case used[t.Name]:
		case ends(t.Name, activationScales):
			s.Activations = append(s.Activations, t.Name)
		case ends(t.Name, cacheScales):
			s.Cache = append(s.Cache, t.Name)
		default:
			s.Tensors = append(s.Tensors, &Tensor{Tensor: t})
		}
	}
	s.Tensors = append(s.Tensors, last...)
	return s, nil
}

// recognise finds the layout whose codes t holds, and the tensors that go with it; nil if it is no codes.
func (c *Config) recognise(t *safetensors.Tensor, byName map[string]*safetensors.Tensor) (*quantized, *layout, error) {
	for i := range c.method.layouts {
		l := &c.method.layouts[i]
		base, ok := strings.CutSuffix(t.Name, l.codes)
		if !ok {
			continue
		}
		w := &quantized{config: c, name: base + l.weight, codes: t, parts: map[string]*safetensors.Tensor{}}
		w.module = strings.TrimSuffix(w.name, ".weight")
		missing := ""
		for _, endings := range l.needed {
			names := strings.Split(endings, "|")
			for _, name := range names {
				if p := byName[base+name]; p != nil {
					w.parts[names[0]] = p
					break
				}
			}
			if w.parts[names[0]] == nil && missing == "" {
				missing = base + names[0]
			}
		}
		for _, name := range l.optional {
			w.parts[name] = byName[base+name]
		}
		switch {
		case l.fits != nil && !l.fits(w):
		case missing == "":
			if byName[w.name] != nil && w.name != t.Name {
				return nil, nil, w.wrong(t, "stands beside %s, which is the same weight", w.name)
			}
			return w, l, nil
		case l.marked:
			return nil, nil, fmt.Errorf("%w: %s: missing tensor %s: %s (%s) needs it", gguf.ErrInput, w.path(t), missing, t.Name, c.method.name)
		}
	}
	return nil, nil, nil
}

func (w *quantized) path(t *safetensors.Tensor) string { return filepath.Join(w.config.dir, t.File) }

// wrong makes an error about a tensor of w.
func (w *quantized) wrong(t *safetensors.Tensor, format string, args ...any) error {
	return fmt.Errorf("%w: %s: tensor %s (%s) %s", gguf.ErrInput, w.path(t), t.Name, w.config.method.name, fmt.Sprintf(format, args...))
}

// want checks the type and, unless it is nil, the shape of a tensor.
func (w *quantized) want(t *safetensors.Tensor, shape []int64, dtypes ...string) error {
	if !slices.Contains(dtypes, t.DType) {
		return w.wrong(t, "has the type %s, expected %s", t.DType, strings.Join(dtypes, " or "))
	}
	if shape != nil && !slices.Equal(t.Shape, shape) {
		return w.wrong(t, "has the shape %v, expected %v", t.Shape, shape)
	}
	return nil
}

// matrix checks that a tensor has two dimensions, and returns them.
func (w *quantized) matrix(t *safetensors.Tensor) (rows, cols int64, err error) {
	if len(t.Shape) != 2 || t.Shape[0] < 1 || t.Shape[1] < 1 {
		return 0, 0, w.wrong(t, "has the shape %v, expected two dimensions", t.Shape)
	}
	return t.Shape[0], t.Shape[1], nil
}
