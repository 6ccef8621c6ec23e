package convert

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/convert/safetensors"
	"github.com/carat-llm/carat/gguf"
)

// keepDense adds the layers that an embedding model has behind the pooling, each in a folder of its own, before all other
// tensors if they are asked for, as the reference's option of the same name, and says otherwise that vectors lack them. GGUF
// has names for two, of EmbeddingGemma.
func (m *Model) keepDense(name string, wanted bool, out gguf.Type) error {
	layers := slices.DeleteFunc(slices.Clone(m.modules), func(x module) bool { return !strings.HasSuffix(x.Type, "Dense") })
	const with = "gemma-embedding"
	if !wanted || name != with {
		for _, x := range layers {
			m.notes = append(m.notes, fmt.Sprintf("the dense layer behind the pooling (%s) is left out: vectors are those before it", x.Path))
		}
		return nil
	}
	for i, x := range layers {
		if i == 2 || !filepath.IsLocal(x.Path) {
			return fmt.Errorf("%w: %s: the dense module %d is in %q: there can be two, in folders inside this one", gguf.ErrInput, filepath.Join(m.dir, modulesFile), i+1, x.Path)
		}
		t, err := m.denseLayer(fmt.Sprintf("dense_%d", i+2), x.Path, name)
		if err != nil {
			return err
		}
		m.tensors = append(m.tensors, newTensor(t, arch.Tensor{Source: t.Name, Name: fmt.Sprintf("dense_%d.weight", i+2), Shape: t.Shape}, out))
	}
	return nil
}

// denseLayer opens one layer, a matrix without bias or activation.
func (m *Model) denseLayer(name, folder, architecture string) (*safetensors.Tensor, error) {
	var config struct {
		In         int64  `json:"in_features"`
		Out        int64  `json:"out_features"`
		Bias       bool   `json:"bias"`
		Activation string `json:"activation_function"`
	}
	path := filepath.Join(m.dir, folder, "config.json")
	if ok, err := readJSON(path, &config); err != nil {
		return nil, err
	} else if !ok {
		return nil, fmt.Errorf("%w: %s: missing file: %s names it", gguf.ErrInput, path, modulesFile)
	}
	if config.Bias || config.Activation != "" && !strings.HasSuffix(config.Activation, "Identity") {
		return nil, fmt.Errorf("%w: %s: the layer has a bias (%v) or an activation (%s), which GGUF cannot say", gguf.ErrInput, path, config.Bias, config.Activation)
	}
	files, err := openWeightsOf(m.dir, folder)
	if err != nil {
		return nil, err
	}
	m.dense = append(m.dense, files)
	all := files.Tensors()
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %s: the weights have no tensor", gguf.ErrInput, filepath.Join(m.dir, folder))
	}
	if want := []int64{config.Out, config.In}; len(all) != 1 || all[0].Name != "linear.weight" || !slices.Equal(all[0].Shape, want) {
		return nil, fmt.Errorf("%w: %s: expected one tensor, linear.weight of shape %v", gguf.ErrInput, filepath.Join(m.dir, all[0].File), want)
	}
	m.denseKVs = append(m.denseKVs, gguf.KV{Key: architecture + "." + name + "_feat_in", Value: uint32(config.In)},
		gguf.KV{Key: architecture + "." + name + "_feat_out", Value: uint32(config.Out)})
	return all[0], nil
}

// keepPooler makes the pooler of a classifier part of the file if it is asked for, and says otherwise that scores lack it.
func (m *Model) keepPooler(spec *arch.Spec, wanted bool) {
	switch {
	case wanted:
		spec.Tensors = append(spec.Tensors, spec.Pooler...)
	case len(spec.Pooler) > 0:
		m.notes = append(m.notes, fmt.Sprintf("the pooler before the classifier (%s) is left out, as by the reference converter: scores are not those of the checkpoint; --pooler keeps it", spec.Pooler[0].Source))
	}
}
