// Package clients knows which programs load which GGUF files: the types of matrices that they decode, and the
// architectures that they have.
//
// A file is of no use where it is not read, and most programs say so after a download at best. [Parse] finds programs by
// name, [Client.Refuses] says why one does not load a model, and [Unread] which do not.
package clients

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/suggest"
)

// Client is a program that loads GGUF files.
type Client struct {
	Name    string // as it is asked for
	Version string // the program that the facts are about
	// types are those of matrices; nil for all. What has one dimension is F32 in every file and read by all.
	types []gguf.Type
	// architectures are those of general.architecture; nil for those of llama.cpp.
	architectures []string
}

// Parse reads names with commas in between.
func Parse(list string) ([]Client, error) {
	var out []Client
	for name := range strings.SplitSeq(list, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		i := slices.IndexFunc(table, func(c Client) bool { return c.Name == name })
		if i < 0 {
			return nil, hint.Wrap(errors.New(suggest.Unknown("client", name, Names())), "clients: %s", strings.Join(Names(), " "))
		}
		if !slices.ContainsFunc(out, func(c Client) bool { return c.Name == name }) {
			out = append(out, table[i])
		}
	}
	return out, nil
}

// Names lists all clients.
func Names() []string {
	names := make([]string, len(table))
	for i, c := range table {
		names[i] = c.Name
	}
	return names
}

// Readers names the clients that decode matrices of t.
func Readers(t gguf.Type) (names []string) {
	for _, c := range table {
		if c.types == nil || slices.Contains(c.types, t) {
			names = append(names, c.Name)
		}
	}
	return names
}

// Reads reports whether c decodes t.
func (c Client) Reads(t gguf.TensorInfo) bool {
	return t.Dims() < 2 || c.types == nil || slices.Contains(c.types, t.Type)
}

// AllRead reports whether all of the list decode t.
func AllRead(list []Client, t gguf.TensorInfo) bool {
	return !slices.ContainsFunc(list, func(c Client) bool { return !c.Reads(t) })
}

// HasArchitecture reports whether c evaluates models of arch.
func (c Client) HasArchitecture(arch string) bool {
	return c.architectures == nil || slices.Contains(c.architectures, arch)
}

// Nearest is the type that c reads, whose blocks divide the rows of t, and that takes nearly as many bits as t's; of two
// that are as near the larger one, and of two that are as large the one that is listed first: K-quants are better.
func (c Client) Nearest(t gguf.TensorInfo) (gguf.Type, bool) {
	best, distance := t.Type, math.Inf(1)
	for _, o := range c.types {
		d := math.Abs(o.BitsPerWeight() - t.Type.BitsPerWeight())
		if t.Cols()%int64(o.BlockSize()) == 0 && (d < distance || d == distance && o.BitsPerWeight() > best.BitsPerWeight()) {
			best, distance = o, d
		}
	}
	return best, !math.IsInf(distance, 1)
}

// Refuses says why c does not load a model of arch with these tensors, or nil.
func (c Client) Refuses(arch string, tensors []gguf.TensorInfo) error {
	if !c.HasArchitecture(arch) {
		return fmt.Errorf("%s does not have the architecture %s: it has %s", c.Version, arch, strings.Join(c.architectures, ", "))
	}
	i := slices.IndexFunc(tensors, func(t gguf.TensorInfo) bool { return !c.Reads(t) })
	if i < 0 {
		return nil
	}
	t := tensors[i]
	nearest, ok := c.Nearest(t)
	if !ok {
		return fmt.Errorf("tensor %s: %s does not read %s, nor any type for rows of %d elements", t.Name, c.Version, t.Type, t.Cols())
	}
	return hint.Wrap(fmt.Errorf("tensor %s: %s does not read %s; the nearest type that it reads is %s", t.Name, c.Version, t.Type, nearest),
		"choose another type for it: %s reads %s", c.Name, list(c.types))
}

// Unread says in a sentence for each type which clients do not read it, of those that have the architecture.
func Unread(arch string, tensors []gguf.TensorInfo) (notes []string) {
	lacking := map[gguf.Type][]string{}
	var order []gguf.Type
	for _, t := range tensors {
		if t.Dims() < 2 || lacking[t.Type] != nil {
			continue
		}
		for _, c := range table {
			if c.HasArchitecture(arch) && !c.Reads(t) {
				lacking[t.Type] = append(lacking[t.Type], c.Version)
			}
		}
		if lacking[t.Type] != nil {
			order = append(order, t.Type)
		}
	}
	slices.Sort(order)
	for _, t := range order {
		notes = append(notes, fmt.Sprintf("%s is not read by %s (--for CLIENT refuses such types)", t, strings.Join(lacking[t], ", ")))
	}
	return notes
}

func list(types []gguf.Type) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.String()
	}
	return strings.Join(names, ", ")
}
