package quantize

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
)

// Take makes the plan write tensors that are encoded already, as it wants them, in place of what it would make of the
// source's: levels that were chosen by more than the encoder sees (quantize/round). They are read while the plan runs. One that the
// plan has not, or wants in another type or shape, is an error that wraps ErrOptions.
func (p *Plan) Take(tensors []gguf.Tensor) error {
	targets := map[string]*Target{}
	for i := range p.Tensors {
		targets[p.Tensors[i].Name] = &p.Tensors[i]
	}
	for _, g := range tensors {
		info := g.Info()
		t, ok := targets[info.Name]
		if !ok || t.Type != info.Type || t.Elements() != info.Elements() || t.Cols() != info.Cols() {
			return fmt.Errorf("%w: tensor %s of type %s and shape %v is not in the plan", ErrOptions, info.Name, info.Type, info.Shape)
		}
		t.src, t.given = g, true
	}
	return nil
}
