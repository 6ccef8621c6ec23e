package quantize

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/recipe"
)

// Pruned is a model without some of its layers: a source like any other. The blocks that stay are numbered
// anew without gaps, and metadata that speaks of layers is made true again.
type Pruned struct {
	gguf.Model
	metadata *gguf.Metadata
	tensors  []gguf.Tensor
	layers   []int // layers[new number] is the number in the source
}

// Prune removes the layers numbered drop from src, which stays open for as long as the result is used.
// Errors wrap ErrOptions when the layers do not fit the model.
func Prune(src gguf.Model, drop []int) (*Pruned, error) {
	md := src.Metadata()
	arch := md.Architecture()
	count, ok := md.Int(arch + ".block_count")
	if !ok || count < 1 || count > int64(len(src.Tensors())) {
		return nil, fmt.Errorf("%w: metadata %s.block_count is missing or invalid: pruning layers needs it", gguf.ErrInput, arch)
	}
	for _, l := range drop {
		if l < 0 || int64(l) >= count {
			return nil, fmt.Errorf("%w: no layer %d to prune: the model has layers 0 to %d", ErrOptions, l, count-1)
		}
	}
	p := &Pruned{Model: src}
	number := map[int]int{} // by the number in the source
	for l := range int(count) {
		if !slices.Contains(drop, l) {
			number[l] = len(p.layers)
			p.layers = append(p.layers, l)
		}
	}
	if len(p.layers) == 0 {
		return nil, fmt.Errorf("%w: all %d layers would be pruned", ErrOptions, count)
	}
	for _, t := range src.Tensors() {
		name := t.Info().Name
		l := recipe.LayerOf(name)
		switch {
		case strings.Contains(name, ".blk."):
			return nil, fmt.Errorf("%w: tensor %s: cannot prune layers of a model with more than one stack of layers", ErrOptions, name)
		case l < 0:
			p.tensors = append(p.tensors, t)
		case int64(l) >= count:
			return nil, fmt.Errorf("%w: tensor %s is beyond %s.block_count, which is %d", gguf.ErrInput, name, arch, count)
		case !slices.Contains(drop, l):
			p.tensors = append(p.tensors, rename(t, layerName(name, number[l])))
		}
	}
	var err error
	p.metadata, err = p.adjust(md, arch, int(count))
	return p, err
}

// Metadata implements gguf.Model.
func (p *Pruned) Metadata() *gguf.Metadata { return p.metadata }

// Tensors implements gguf.Model.
func (p *Pruned) Tensors() []gguf.Tensor { return p.tensors }

// SourceName is what tensor name is called in the source; an importance matrix knows it by that.
func (p *Pruned) SourceName(name string) string {
	if l := recipe.LayerOf(name); l >= 0 && l < len(p.layers) {
		return layerName(name, p.layers[l])
	}
	return name
}

// layerName puts n into a name that begins with "blk.N.".
func layerName(name string, n int) string {
	_, rest, _ := strings.Cut(strings.TrimPrefix(name, "blk."), ".")
	return fmt.Sprintf("blk.%d.%s", n, rest)
}

// renamed is a tensor under another name.
type renamed struct {
	gguf.Tensor
	name string
}

// rename keeps what is known of the place in a file, for --keep-split.
func rename(t gguf.Tensor, name string) gguf.Tensor {
	if p, ok := t.(gguf.Placed); ok {
		return struct {
			renamed
			gguf.Placed
		}{renamed{t, name}, p}
	}
	return renamed{t, name}
}

func (t renamed) Info() gguf.TensorInfo {
	i := t.Tensor.Info()
	i.Name = t.name
	return i
}

// periods are keys that say "every n-th layer is different", with n.
var periods = []string{"full_attention_interval", "interleave_moe_layer_step", "moe_every_n_layers", "attention.sliding_window_pattern"}

// notPerLayer are arrays whose length has nothing to do with the number of layers.
var notPerLayer = []string{"rope.dimension_sections", "ple.layers", "target_layers"}

// adjust makes the architecture's keys true for the layers that stay. The count goes to the end, where the
// reference puts it; arrays with an element for each layer, and counts of leading or trailing layers of a
// kind, are things that it forgets.
func (p *Pruned) adjust(src *gguf.Metadata, arch string, count int) (*gguf.Metadata, error) {
	md := src.Clone()
	for _, kv := range src.All() {
		key, ok := strings.CutPrefix(kv.Key, arch+".")
		if v := reflect.ValueOf(kv.Value); ok && v.Kind() == reflect.Slice && v.Len() == count && !slices.Contains(notPerLayer, key) {
			kept := reflect.MakeSlice(v.Type(), len(p.layers), len(p.layers))
			for i, l := range p.layers {
				kept.Index(i).Set(v.Index(l))
			}
			md.Set(kv.Key, kept.Interface())
		}
		if n, number := src.Int(kv.Key); ok && number && n > 1 && slices.Contains(periods, key) {
			for i, l := range p.layers {
				if (int64(l)-int64(i))%n != 0 {
					return nil, fmt.Errorf("%w: %s says that every %d-th layer is of another kind, and layer %d would become layer %d: prune %d adjacent layers at a time",
						ErrOptions, kv.Key, n, l, i, n)
				}
			}
		}
	}
	fewer := func(key string, within func(layer, n int64) bool) {
		n, ok := md.Int(arch + "." + key)
		if !ok || n < 0 || n > int64(count) {
			return
		}
		var left uint32
		for _, l := range p.layers {
			if within(int64(l), n) {
				left++
			}
		}
		md.Set(arch+"."+key, left)
	}
	fewer("leading_dense_block_count", func(l, n int64) bool { return l < n })
	fewer("nextn_predict_layers", func(l, n int64) bool { return l >= int64(count)-n })
	md.Append(arch+".block_count", uint32(len(p.layers)))
	return md, nil
}

// ParseLayers reads layer numbers, "3,7".
func ParseLayers(s string) ([]int, error) {
	var layers []int
	for part := range strings.SplitSeq(s, ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(part), 10, 31)
		if err != nil {
			return nil, fmt.Errorf("%q: expected a layer number (got %q)", s, part)
		}
		layers = append(layers, int(n))
	}
	slices.Sort(layers)
	return slices.Compact(layers), nil
}
