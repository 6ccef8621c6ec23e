package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
)

const (
	index = "model.safetensors.index.json"
	// maxIndex is the size of the largest index that is read; of a model with 100000 tensors it is a tenth of this.
	maxIndex = 100 << 20
)

// List returns the names of the weight files that dir should have, sorted: those that the index names are not looked for.
func List(dir string) ([]string, error) {
	names, _, err := list(dir)
	return names, err
}

// list returns the names of the weight files, sorted, and where each tensor is if an index says so.
func list(dir string) (names []string, where map[string]string, err error) {
	path := filepath.Join(dir, index)
	b, err := inputfile.ReadText(path, maxIndex)
	switch {
	case err == nil:
		if where, err = parseIndex(b, path); err != nil {
			return nil, nil, err
		}
		for _, file := range where {
			if !slices.Contains(names, file) {
				names = append(names, file)
			}
		}
		slices.Sort(names)
		return names, where, nil
	case !errors.Is(err, os.ErrNotExist):
		return nil, nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries { // sorted by name
		if strings.HasPrefix(e.Name(), "model") && strings.HasSuffix(e.Name(), ".safetensors") {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return nil, nil, noWeights(dir, entries)
	}
	return names, nil, checkNumbers(dir, names)
}

var shard = regexp.MustCompile(`-(\d{5})-of-(\d{5})\.safetensors$`)

// checkNumbers finds a shard that is missing, by the numbers in the names of the others.
func checkNumbers(dir string, names []string) error {
	for _, name := range names {
		m := shard.FindStringSubmatchIndex(name)
		if m == nil {
			continue
		}
		count, _ := strconv.Atoi(name[m[4]:m[5]])
		for n := 1; n <= count && n <= len(names)+1; n++ { // one of them is missing if there are more
			want := fmt.Sprintf("%s-%05d-of-%05d.safetensors", name[:m[0]], n, count)
			if !slices.Contains(names, want) {
				return fmt.Errorf("%w: %s: missing file: the name %s means that there are %d", gguf.ErrInput, filepath.Join(dir, want), name, count)
			}
		}
	}
	return nil
}

// noWeights says what there is instead of model.safetensors.
func noWeights(dir string, entries []os.DirEntry) error {
	missing := fmt.Errorf("%w: %s: missing file", gguf.ErrInput, filepath.Join(dir, "model.safetensors"))
	for _, e := range entries {
		name := e.Name()
		ends := func(suffix string) bool { return strings.HasSuffix(name, suffix) }
		switch {
		case name == "adapter_model.safetensors" || name == "adapter_model.bin":
			return hint.Wrap(fmt.Errorf("%w: %s holds an adapter (LoRA), not a model", missing, name), "carat convert MODEL --lora %s merges it into its base model", dir)
		case ends(".bin") || ends(".pt") || ends(".pth") || ends(".ckpt"):
			return hint.Wrap(fmt.Errorf("%w: the folder has weights as PyTorch .bin files (%s), which carat does not read", missing, name),
				"save the model again as safetensors, or take the repository's safetensors version")
		case ends(".safetensors"):
			return hint.Wrap(fmt.Errorf("%w: %s does not have the name of a checkpoint's weights", missing, name), "name it model.safetensors if it holds the whole model")
		case ends(".gguf"):
			return hint.Wrap(fmt.Errorf("%w: %s is a GGUF file, not a checkpoint", missing, name), "give it to carat quantize")
		case ends(".h5") || ends(".msgpack") || ends(".onnx") || ends(".npz"):
			return fmt.Errorf("%w: %s is in a format that carat does not read: only safetensors is supported", missing, name)
		}
	}
	return missing
}

// parseIndex returns which file each tensor is in.
func parseIndex(b []byte, path string) (map[string]string, error) {
	var idx struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(b, &idx); err != nil {
		return nil, fmt.Errorf("%w: %s: index: %w", gguf.ErrInput, path, err)
	}
	if len(idx.WeightMap) == 0 {
		return nil, fmt.Errorf("%w: %s: index: weight_map names no tensor", gguf.ErrInput, path)
	}
	for t, file := range idx.WeightMap {
		if file == "" || file != filepath.Base(file) || !filepath.IsLocal(file) {
			return nil, fmt.Errorf("%w: %s: index: tensor %s should be in %q, which is not a file of this folder", gguf.ErrInput, path, t, file)
		}
	}
	return idx.WeightMap, nil
}
