package convert

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/lora"
	"github.com/carat-llm/carat/gguf"
)

// expertChanges gathers an adapter's changes of single experts, which a GGUF adapter has stacked: those of all experts of a tensor, with
// one rank. The stacks of a layer stand together where the last of their changes was found, as in the reference's files.
type expertChanges struct {
	layers  map[string][]arch.Tensor           // by what the names of a layer's experts begin with
	order   []string                           // of the layers that are changed
	found   map[string]int64                   // changes of a layer
	changes map[string]map[string]*lora.Change // by the name of the stack, and that of the expert's tensor in the family
}

func newExpertChanges(specs []arch.Tensor) *expertChanges {
	e := &expertChanges{map[string][]arch.Tensor{}, nil, map[string]int64{}, map[string]map[string]*lora.Change{}}
	for _, s := range specs {
		if s.Experts > 0 {
			e.layers[layerOf(s)] = append(e.layers[layerOf(s)], s)
		}
	}
	return e
}

// add notes the change of an expert's tensor and reports whether it was the last that the layer could have.
func (e *expertChanges) add(s arch.Tensor, name string, c *lora.Change) bool {
	layer := layerOf(s)
	if e.found[layer] == 0 {
		e.order = append(e.order, layer)
	}
	if e.changes[s.Name] == nil {
		e.changes[s.Name] = map[string]*lora.Change{}
	}
	e.changes[s.Name][name] = c
	e.found[layer]++
	return e.found[layer] == int64(len(e.layers[layer]))*s.Experts
}

// take returns the stacks of a layer, once, as pairs of A and B.
func (e *expertChanges) take(layer string, out gguf.Type, factor func(*lora.Change) float64) (made []gguf.Tensor, weights int64, err error) {
	for _, s := range e.layers[layer] {
		changes := e.changes[s.Name]
		delete(e.changes, s.Name)
		if len(changes) == 0 {
			continue
		}
		if int64(len(changes)) < s.Experts {
			n := 0
			for changes[strings.Replace(s.Source, "%d", strconv.Itoa(n), 1)] != nil {
				n++
			}
			return nil, 0, fmt.Errorf("%d of the %d experts of %s are changed, but not expert %d: a GGUF adapter changes all or none", len(changes), s.Experts, s.Name, n)
		}
		var parts [2][]*tensor
		sources := s.Sources()
		first := changes[sources[0]]
		for _, name := range sources {
			c := changes[name]
			if c.Rank() != first.Rank() {
				return nil, 0, fmt.Errorf("%s has the rank %d, and %s %d: a GGUF adapter has one for all experts of a tensor", first.Module, first.Rank(), c.Module, c.Rank())
			}
			p, err := newPair(c, s)
			if err != nil {
				return nil, 0, err
			}
			weights += p.rows * p.cols
			for i, t := range p.tensors(out, factor(c)) {
				parts[i] = append(parts[i], t)
			}
		}
		made = append(made, newStack(parts[0]), newStack(parts[1]))
	}
	return made, weights, nil
}
