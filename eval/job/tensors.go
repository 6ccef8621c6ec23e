package job

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/verify"
	"golang.org/x/sync/errgroup"
)

// Tensors lists m's tensors and, with a reference, how far the values of each are from the reference's tensor of the
// same name and shape. threads tensors are looked at together; progress may be nil.
func Tensors(ctx context.Context, m, reference gguf.Model, threads int, progress gguf.Progress) ([]report.Tensor, error) {
	originals := map[string]gguf.Tensor{}
	if reference != nil {
		for _, t := range reference.Tensors() {
			originals[t.Info().Name] = t
		}
	}
	out := make([]report.Tensor, len(m.Tensors()))
	var done atomic.Int64
	var total int64
	for _, t := range m.Tensors() {
		total += t.Info().Bytes()
	}
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, threads))
	for i, t := range m.Tensors() {
		x := t.Info()
		layer, role := place(x.Name)
		out[i] = report.Tensor{Name: x.Name, Type: x.Type.String(), Shape: x.Shape, Bytes: x.Bytes(), Layer: layer, Role: role}
		o, ok := originals[x.Name]
		if !ok || !slices.Equal(o.Info().Shape, x.Shape) {
			continue
		}
		group.Go(func() error {
			e, ok, err := verify.CompareValues(gctx, o, t, nil)
			if err != nil {
				return err
			}
			if ok {
				out[i].Error = &e.Relative
			}
			if n := done.Add(x.Bytes()); progress != nil {
				progress(n, total)
			}
			return nil
		})
	}
	return out, cmp.Or(group.Wait(), gguf.Unchanged(m, reference))
}

// place cuts "blk.12.attn_q.weight" into 12 and "attn_q"; tensors outside of layers are in layer -1.
func place(name string) (layer int, role string) {
	layer = -1
	role = strings.TrimSuffix(name, ".weight")
	if rest, ok := strings.CutPrefix(role, "blk."); ok {
		number, tail, ok := strings.Cut(rest, ".")
		if n, err := strconv.Atoi(number); ok && err == nil {
			return n, tail
		}
	}
	return layer, role
}
