package model

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// Adapter is an adapter (LoRA, Hu et al. 2021) in the form of a GGUF adapter. For a weight W of in x out it has W.lora_a, in x rank, and
// W.lora_b, rank x out; of stacked tensors a pair for each expert. Products W x become W x + Scale * alpha/rank * B (A x), where alpha is
// the adapter's adapter.lora.alpha; without alpha, or with 0, Scale alone counts, as in llama.cpp. Of token_embd.weight lora_a has a row
// of rank numbers for each token and lora_b one for each activation.
type Adapter struct {
	Name   string // of its file, for errors
	Source gguf.Model
	Scale  float64
}

// Adapt is src with adapters, which Load applies without merging them: weights stay as they are, and so may be quantized or shared.
// Closing it closes src and the adapters. Load refuses adapters that do not fit src.
//
// Where token_embd.weight is the output matrix, too, an adapter of it changes embeddings alone, as it does while it is trained (PEFT);
// merged into the weights it would change both.
func Adapt(src gguf.Model, adapters ...Adapter) gguf.Model { return &adapted{src, adapters} }

// adapted is a model with adapters.
type adapted struct {
	gguf.Model
	adapters []Adapter
}

// adaptersOf are the adapters of a model that Adapt made.
func adaptersOf(src gguf.Model) []Adapter {
	if a, ok := src.(*adapted); ok {
		return a.adapters
	}
	return nil
}

func (a *adapted) all() []gguf.Model {
	models := []gguf.Model{a.Model}
	for _, x := range a.adapters {
		models = append(models, x.Source)
	}
	return models
}

// Close implements gguf.Model.
func (a *adapted) Close() error {
	var errs []error
	for _, m := range a.all() {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

// Unchanged implements gguf.Unchanging.
func (a *adapted) Unchanged() error { return gguf.Unchanged(a.all()...) }

// Paths are the files of the model and of its adapters.
func (a *adapted) Paths() (paths []string) {
	for _, m := range a.all() {
		if files, ok := m.(interface{ Paths() []string }); ok {
			paths = append(paths, files.Paths()...)
		}
	}
	return paths
}

// Variant says what is computed with the files beside what they say.
func (a *adapted) Variant() string {
	var parts []string
	for _, x := range a.adapters {
		parts = append(parts, fmt.Sprintf("%s=%v", filepath.Base(x.Name), x.Scale))
	}
	return "lora " + strings.Join(parts, " ")
}

const (
	suffixA, suffixB = ".lora_a", ".lora_b"
	embeddings       = "token_embd.weight"
)

// adapt reads the adapters' headers and checks that they fit the model's tensors.
func (l *loader) adapt(adapters []Adapter) {
	for _, a := range adapters {
		if l.err != nil {
			return
		}
		err := l.adaptOne(a)
		if err == nil {
			continue
		}
		if l.err = fmt.Errorf("adapter %s: %w", a.Name, err); !errors.Is(err, gguf.ErrInput) && !errors.Is(err, gguf.ErrUnsupported) {
			l.err = fmt.Errorf("%w: %w", gguf.ErrInput, l.err)
		}
	}
}

func (l *loader) adaptOne(a Adapter) error {
	alpha, err := alphaOf(a, l.arch)
	if err != nil {
		return err
	}
	pairs := map[string]*change{}
	var names []string
	for _, t := range a.Source.Tensors() {
		name := t.Info().Name
		base, ofA := strings.CutSuffix(name, suffixA)
		if !ofA {
			var ofB bool
			if base, ofB = strings.CutSuffix(name, suffixB); !ofB {
				return fmt.Errorf("tensor %s: expected the two parts of a change alone, %s and %s: whole tensors are not applied", name, suffixA, suffixB)
			}
		}
		c := pairs[base]
		if c == nil {
			c = &change{adapter: a.Name, tensor: base}
			pairs[base], names = c, append(names, base)
		}
		if ofA {
			c.a = t
		} else {
			c.b = t
		}
	}
	if len(names) == 0 {
		return errors.New("there are no tensors")
	}
	for _, base := range names {
		c := pairs[base]
		w, there := l.tensors[base]
		switch {
		case c.a == nil:
			return fmt.Errorf("tensor %s%s is missing, but %s%s is there", base, suffixA, base, suffixB)
		case c.b == nil:
			return fmt.Errorf("tensor %s%s is missing, but %s%s is there", base, suffixB, base, suffixA)
		case !there:
			return fmt.Errorf("tensor %s%s: the model has no tensor %s; is this the adapter's base model?", base, suffixA, base)
		}
		if err := c.fits(w.Info()); err != nil {
			return err
		}
		scale := a.Scale
		if alpha != 0 {
			scale *= alpha / float64(c.rank)
		}
		if c.scale = float32(scale); math.IsInf(float64(c.scale), 0) {
			return fmt.Errorf("a scale of %v, alpha %v and rank %d: the product is outside the range of float32", a.Scale, alpha, c.rank)
		}
		l.changes[base] = append(l.changes[base], c)
	}
	return nil
}

// alphaOf checks the adapter's metadata and reads its alpha.
func alphaOf(a Adapter, arch string) (float64, error) {
	md := a.Source.Metadata()
	if kind, _ := md.String("general.type"); kind != "adapter" {
		return 0, fmt.Errorf("general.type is %q, expected \"adapter\"", kind)
	}
	if kind, _ := md.String("adapter.type"); kind != "lora" {
		return 0, fmt.Errorf("adapter.type is %q, expected \"lora\"", kind)
	}
	if name := md.Architecture(); name != arch {
		return 0, fmt.Errorf("general.architecture is %q, but the model's is %q: is this the adapter's base model?", name, arch)
	}
	if _, ok := md.Get("adapter.alora.invocation_tokens"); ok {
		return 0, errors.New("adapter.alora.invocation_tokens: adapters that begin at certain tokens (aLoRA) are not supported")
	}
	const key = "adapter.lora.alpha"
	v, there := md.Get(key)
	alpha, ok := md.Float(key)
	if there && (!ok || math.IsNaN(alpha) || math.IsInf(alpha, 0)) {
		return 0, fmt.Errorf("metadata %s is %v, expected a number", key, v)
	}
	return alpha, nil
}
