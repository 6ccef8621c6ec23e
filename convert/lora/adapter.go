package lora

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/carat-llm/carat/convert/pickle"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
)

// Adapter is an open adapter. It must stay open as long as tensors of it are read.
type Adapter struct {
	// Alpha is lora_alpha.
	Alpha float64

	dir     string
	weights string // the name of the file
	config  *config
	files   *safetensors.Files
	changes []*Change
	wholes  []replacement
	held    held
}

// Change is what an adapter does to the weight of a module.
type Change struct {
	Module string // as the adapter calls it
	A, B   *safetensors.Tensor
	// Transposed says that the weight is in x out in the checkpoint (fan_in_fan_out, and embeddings): it is changed by (B*A)^T.
	Transposed bool
	Embedding  bool
	Scale      float64
	// Magnitude are the lengths that DoRA gives the rows of W + Scale*B*A, nil without it.
	Magnitude *safetensors.Tensor
}

// Rank is the number of rows of A.
func (c *Change) Rank() int64 { return c.A.Shape[0] }

// Shape is that of the checkpoint's tensor.
func (c *Change) Shape() []int64 {
	outputs, inputs := c.B.Shape[0], c.A.Shape[1]
	if c.Transposed {
		return []int64{inputs, outputs}
	}
	return []int64{outputs, inputs}
}

// replacement is a tensor that takes the place of the checkpoint's.
type replacement struct {
	name   string
	tensor *safetensors.Tensor
}

// Open reads the config and the header of the weights of an adapter's folder.
func Open(dir string) (*Adapter, error) {
	c, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	a := &Adapter{Alpha: c.Alpha, dir: dir, config: c, weights: WeightsFile}
	open := safetensors.OpenFile
	if _, err := os.Stat(a.path()); errors.Is(err, os.ErrNotExist) {
		missing := fmt.Errorf("%w: %s: missing file", gguf.ErrInput, a.path())
		a.weights, open = PickleFile, pickle.OpenFile
		if _, err := os.Stat(a.path()); err != nil {
			return nil, missing
		}
	}
	if a.files, err = open(dir, a.weights); err != nil {
		return nil, err
	}
	if err := a.sort(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// Changes lists what is done to modules, in the order of the file.
func (a *Adapter) Changes() []*Change { return a.changes }

// Replaced lists the names of the tensors that stand in the adapter whole.
func (a *Adapter) Replaced() (names []string) {
	for _, w := range a.wholes {
		names = append(names, w.name)
	}
	return names
}

// DoRA reports whether any change has magnitudes.
func (a *Adapter) DoRA() bool {
	for _, c := range a.changes {
		if c.Magnitude != nil {
			return true
		}
	}
	return false
}

// Paths are the files that the adapter was read from.
func (a *Adapter) Paths() []string {
	return []string{filepath.Join(a.dir, ConfigFile), a.path()}
}

func (a *Adapter) path() string { return filepath.Join(a.dir, a.weights) }

// Unchanged fails when the weights are not what they were when they were opened.
func (a *Adapter) Unchanged() error { return a.files.Unchanged() }

// Close closes the weights.
func (a *Adapter) Close() error { return a.files.Close() }

// sort tells the file's tensors by their names and puts those of a module together.
func (a *Adapter) sort() error {
	byModule := map[string]*Change{}
	for _, t := range a.files.Tensors() {
		kind, name := parse(t.Name)
		switch kind {
		case unknown:
			return a.errorf("tensor %s: this part of an adapter is not supported", t.Name)
		case whole:
			a.wholes = append(a.wholes, replacement{name, t})
			continue
		}
		c := byModule[name]
		if c == nil {
			c = &Change{Module: name}
			byModule[name], a.changes = c, append(a.changes, c)
		}
		place := &c.A
		switch kind {
		case factorB:
			place = &c.B
		case embeddedA:
			c.Embedding = true
		case embeddedB:
			place, c.Embedding = &c.B, true
		case magnitude:
			place = &c.Magnitude
		}
		if *place != nil {
			return a.errorf("tensors %s and %s are the same part of %s", (*place).Name, t.Name, name)
		}
		*place = t
	}
	if len(a.changes)+len(a.wholes) == 0 {
		return a.errorf("there are no tensors")
	}
	for _, c := range a.changes {
		if err := a.complete(c); err != nil {
			return err
		}
	}
	return nil
}

// complete checks that a change is whole, and finds its scale.
func (a *Adapter) complete(c *Change) (err error) {
	switch {
	case c.A == nil:
		return a.errorf("missing tensor: %s has no lora_A", c.Module)
	case c.B == nil:
		return a.errorf("missing tensor: %s has no lora_B", c.Module)
	case len(c.A.Shape) != 2 || len(c.B.Shape) != 2:
		return a.errorf("tensors %s and %s have the shapes %v and %v: only changes of matrices are supported", c.A.Name, c.B.Name, c.A.Shape, c.B.Shape)
	case c.A.Shape[0] != c.B.Shape[1] || c.A.Shape[0] == 0:
		return a.errorf("tensors %s and %s have the shapes %v and %v: the rank, the rows of one and the columns of the other, must be the same", c.A.Name, c.B.Name, c.A.Shape, c.B.Shape)
	case a.config.DoRA && c.Magnitude == nil:
		return a.errorf("missing tensor: %s has no lora_magnitude_vector, but use_dora is true", c.Module)
	case c.Magnitude != nil && c.Embedding:
		return a.errorf("tensor %s: DoRA of embeddings is not supported", c.Magnitude.Name)
	case c.Magnitude != nil && c.Magnitude.Elements() != c.B.Shape[0]:
		return a.errorf("tensor %s has the shape %v, but %s has %d rows", c.Magnitude.Name, c.Magnitude.Shape, c.B.Name, c.B.Shape[0])
	}
	for _, t := range []*safetensors.Tensor{c.A, c.B, c.Magnitude} {
		if t != nil && !t.IsFloat() {
			return a.errorf("tensor %s has the type %s, but adapters must be F64, F32, F16 or BF16", t.Name, t.DType)
		}
	}
	c.Transposed = c.Embedding || a.config.FanInFanOut
	c.Scale, err = a.config.scale(c.Module, c.Rank())
	return err
}

// errorf is an error of the weights.
func (a *Adapter) errorf(format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", gguf.ErrInput, a.path(), fmt.Sprintf(format, args...))
}
