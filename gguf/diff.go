package gguf

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Change says how something differs between two models.
type Change string

// The changes from model A to model B.
const (
	Added   Change = "added"   // only B has it
	Removed Change = "removed" // only A has it
	Changed Change = "changed"
)

// MetadataChange is a key that differs. A or B is nil where the key is not.
type MetadataChange struct {
	Key    string
	Change Change
	A, B   any
}

// TensorChange is a tensor that differs. A or B is nil where the tensor is not.
type TensorChange struct {
	Name   string
	Change Change
	A, B   *TensorInfo
}

// SameShape reports whether both models have the tensor, with the same shape.
func (c TensorChange) SameShape() bool {
	return c.A != nil && c.B != nil && slices.Equal(c.A.Shape[:c.A.Dims()], c.B.Shape[:c.B.Dims()])
}

// Differs says what of a changed tensor differs first: "shape", "type" or "data"; "" when only one model has it.
func (c TensorChange) Differs() string {
	switch {
	case c.A == nil || c.B == nil:
		return ""
	case !c.SameShape():
		return "shape"
	case c.A.Type != c.B.Type:
		return "type"
	}
	return "data"
}

// DiffMetadata lists the keys that differ in type or value, in A's order and then B's. The order of keys
// does not count.
func DiffMetadata(a, b *Metadata) []MetadataChange {
	var out []MetadataChange
	for _, kv := range a.All() {
		if v, ok := b.Get(kv.Key); !ok {
			out = append(out, MetadataChange{kv.Key, Removed, kv.Value, nil})
		} else if !sameValue(kv.Value, v) {
			out = append(out, MetadataChange{kv.Key, Changed, kv.Value, v})
		}
	}
	for _, kv := range b.All() {
		if _, ok := a.Get(kv.Key); !ok {
			out = append(out, MetadataChange{kv.Key, Added, nil, kv.Value})
		}
	}
	return out
}

// sameValue compares what would be written, so that NaN equals itself and 0 is not -0.
func sameValue(a, b any) bool {
	ta, _ := typeOf(a)
	tb, _ := typeOf(b)
	var ea, eb encoder
	errA, errB := ea.value("", a), eb.value("", b)
	return ta == tb && errA == nil && errB == nil && bytes.Equal(ea.out, eb.out)
}

// DiffTensors lists the tensors that differ in type, shape or data, in A's order and then B's. Data is compared
// byte by byte, some tensors at a time by threads workers; the order of tensors does not count.
func DiffTensors(ctx context.Context, a, b Model, threads int, progress Progress) ([]TensorChange, error) {
	others := map[string]Tensor{}
	for _, t := range b.Tensors() {
		others[t.Info().Name] = t
	}
	changes := make([]*TensorChange, len(a.Tensors()))
	var done atomic.Int64
	var total int64
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, threads))
	compare := []func() error{}
	for i, t := range a.Tensors() {
		x := t.Info()
		other, ok := others[x.Name]
		delete(others, x.Name)
		if !ok {
			changes[i] = &TensorChange{x.Name, Removed, &x, nil}
			continue
		}
		y := other.Info()
		change := &TensorChange{x.Name, Changed, &x, &y}
		if x.Type != y.Type || !change.SameShape() {
			changes[i] = change
			continue
		}
		total += x.Bytes()
		compare = append(compare, func() error {
			same, err := sameData(gctx, t, other)
			if err != nil {
				return err
			}
			if !same {
				changes[i] = change
			}
			if n := done.Add(x.Bytes()); progress != nil {
				progress(n, total)
			}
			return nil
		})
	}
	for _, f := range compare {
		group.Go(f)
	}
	if err := cmp.Or(group.Wait(), Unchanged(a, b)); err != nil {
		return nil, err
	}
	out := []TensorChange{}
	for _, c := range changes {
		if c != nil {
			out = append(out, *c)
		}
	}
	for _, t := range b.Tensors() {
		if x := t.Info(); others[x.Name] != nil {
			out = append(out, TensorChange{x.Name, Added, nil, &x})
		}
	}
	return out, nil
}

// sameData stops at the first chunk that differs.
func sameData(ctx context.Context, a, b Tensor) (bool, error) {
	var buf []byte
	err := EachChunk(ctx, a, func(data []byte, first, n int64) error {
		if buf == nil {
			buf = make([]byte, len(data))
		}
		other := buf[:len(data)]
		if err := b.ReadRows(other, first, n); err != nil {
			return err
		}
		if !bytes.Equal(data, other) {
			return errDiffers
		}
		return nil
	})
	if errors.Is(err, errDiffers) {
		return false, nil
	}
	return err == nil, err
}

// errDiffers ends the comparison of two tensors.
var errDiffers = errors.New("data differs")
