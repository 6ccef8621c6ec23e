package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/recipe"
)

// convertTo writes the checkpoint at path as a file.
func convertTo(ctx context.Context, outtype, path, out string) error {
	src, err := convert.Open(path, convert.Options{OutType: outtype})
	if err != nil {
		return err
	}
	defer src.Close()
	if err := os.Remove(out); err != nil && !os.IsNotExist(err) {
		return err
	}
	return quantize.Write(ctx, src, out, 2, nil)
}

// variant is a model of headers alone.
type variant struct {
	name  string
	md    *gguf.Metadata
	infos []gguf.TensorInfo
}

func (v variant) Metadata() *gguf.Metadata { return v.md }
func (v variant) Close() error             { return nil }

// Tensors implements gguf.Model; there is no data.
func (v variant) Tensors() []gguf.Tensor {
	ts := make([]gguf.Tensor, len(v.infos))
	for i, info := range v.infos {
		ts[i] = header{info}
	}
	return ts
}

type header struct{ gguf.TensorInfo }

func (h header) Info() gguf.TensorInfo { return h.TensorInfo }
func (h header) ReadRows([]byte, int64, int64) error {
	return fmt.Errorf("tensor %s has no data", h.Name)
}

// layers is a number for which the bounds of the rules (eighths, sixteenths) are no whole numbers. With largeLayers some
// families have rules of their own.
const (
	layers      = 34
	largeLayers = 80
)

// rows are lengths of rows of real models, some of which no block of 256 or of 32 divides.
var rows = []int64{2688, 1856, 576, 1536, 2048, 2880, 100, 4096}

// variants are the headers of a larger model of the family of src.
func variants(src gguf.Model) []variant {
	v := enlarge(src, layers)
	whole, mixed := v.clone("whole"), v.clone("mixed")
	whole.setRows(func(int) int64 { return 2048 })
	turn := len(v.md.Architecture())
	mixed.setRows(func(i int) int64 { return rows[(turn+i)%len(rows)] })
	out := []variant{whole, mixed}
	arch := v.md.Architecture()
	shared := whole.clone("shared-heads")
	if n, ok := v.md.Int(arch + ".attention.head_count_kv"); ok && n > 1 {
		shared.md.Set(arch+".attention.head_count_kv", uint32(1))
		out = append(out, shared)
	}
	if n, ok := v.md.Int(arch + ".expert_count"); ok && n > 1 {
		out = append(out, whole.experts("experts-8", 8))
	}
	if arch == "llama" || arch == "qwen2" || arch == "olmo" {
		large := enlarge(src, largeLayers).clone("layers-80")
		large.setRows(func(int) int64 { return 2048 })
		out = append(out, large)
	}
	return out
}

func (v variant) clone(name string) variant {
	c := variant{name, v.md.Clone(), slices.Clone(v.infos)}
	for i := range c.infos {
		c.infos[i].Shape = slices.Clone(c.infos[i].Shape)
	}
	return c
}

// setRows gives each length of rows that v has another, by its rank. Matrices get few rows.
func (v variant) setRows(length func(rank int) int64) {
	all := map[int64]bool{}
	for _, t := range v.infos {
		if t.Dims() > 1 {
			all[t.Cols()] = true
		}
	}
	ranks := slices.Sorted(maps.Keys(all))
	for _, t := range v.infos {
		if t.Dims() > 1 {
			t.Shape[0] = length(slices.Index(ranks, t.Cols()))
			t.Shape[1] = 2
		}
	}
}

// experts has n experts in place of as many as v has.
func (v variant) experts(name string, n int64) variant {
	c := v.clone(name)
	arch := c.md.Architecture()
	was, _ := c.md.Int(arch + ".expert_count")
	c.md.Set(arch+".expert_count", uint32(n))
	for _, t := range c.infos {
		if len(t.Shape) > 2 && t.Shape[2] == was {
			t.Shape[2] = n
		}
	}
	return c
}

var layerName = regexp.MustCompile(`^((?:enc\.|dec\.)?blk\.)(\d+)(\..*)$`)

// enlarge repeats the layers of src in turn until there are n, and drops the tokenizer, which no rule looks at.
func enlarge(src gguf.Model, n int) variant {
	v := variant{md: &gguf.Metadata{}}
	arch := src.Metadata().Architecture()
	count, _ := src.Metadata().Int(arch + ".block_count")
	for _, kv := range src.Metadata().All() {
		a := reflect.ValueOf(kv.Value)
		switch {
		case strings.HasPrefix(kv.Key, "tokenizer."):
			continue
		case kv.Key == arch+".block_count" || kv.Key == arch+".decoder_block_count":
			kv.Value = uint32(n)
		case a.Kind() == reflect.Slice && int64(a.Len()) == count && !strings.HasPrefix(kv.Key, "general.") && !strings.HasSuffix(kv.Key, "rope.dimension_sections"):
			kv.Value = repeat(a, n)
		}
		v.md.Append(kv.Key, kv.Value)
	}
	v.md.Set(arch+".vocab_size", uint32(2))
	stacks := map[string]int{} // layers of each stack
	for _, t := range src.Tensors() {
		if m := layerName.FindStringSubmatch(t.Info().Name); m != nil {
			l, _ := strconv.Atoi(m[2])
			stacks[m[1]] = max(stacks[m[1]], l+1)
		}
	}
	for _, t := range src.Tensors() {
		info := t.Info()
		m := layerName.FindStringSubmatch(info.Name)
		if m == nil {
			v.infos = append(v.infos, info)
			continue
		}
		first, _ := strconv.Atoi(m[2])
		for l := first; l < n; l += stacks[m[1]] {
			info.Name = m[1] + strconv.Itoa(l) + m[3]
			v.infos = append(v.infos, info)
		}
	}
	slices.SortFunc(v.infos, func(a, b gguf.TensorInfo) int { return recipe.Compare(a.Name, b.Name) })
	return v
}

func repeat(a reflect.Value, n int) any {
	out := reflect.MakeSlice(a.Type(), n, n)
	for i := range n {
		out.Index(i).Set(a.Index(i % a.Len()))
	}
	return out.Interface()
}

// write writes the headers with zeros for data.
func (v variant) write(path string) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	w, err := gguf.Create(path, v.md, v.infos)
	if err != nil {
		return err
	}
	var zeros []byte
	for i, t := range v.infos {
		zeros = append(zeros, make([]byte, max(0, t.Bytes()-int64(len(zeros))))...)
		if err := w.WriteAt(i, zeros[:t.Bytes()], 0); err != nil {
			return cmp.Or(w.Abort(), err)
		}
	}
	return w.Commit()
}
