package convert

import (
	"path/filepath"

	"github.com/carat-llm/carat/convert/pickle"
	"github.com/carat-llm/carat/convert/safetensors"
)

// openWeights opens the weights of a folder: PyTorch's only where there are no safetensors, as the reference has it.
func openWeights(dir string) (*safetensors.Files, error) {
	if !safetensors.In(dir) && pickle.In(dir) {
		return pickle.Open(dir)
	}
	return safetensors.Open(dir)
}

// openWeightsOf opens those of a folder within another one.
func openWeightsOf(dir, folder string) (*safetensors.Files, error) {
	if inner := filepath.Join(dir, folder); !safetensors.In(inner) && pickle.In(inner) {
		return pickle.OpenFile(dir, filepath.Join(folder, "pytorch_model.bin"))
	}
	return safetensors.OpenFile(dir, filepath.Join(folder, "model.safetensors"))
}
