package safetensors

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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

// MaxIndex is the size of the largest index that is read; of a model with 100000 tensors it is a tenth of this.
const MaxIndex = 100 << 20

// Names says how the weight files of a folder are called.
type Names struct {
	// Index is the file that says which file each tensor is in, if there are several.
	Index string
	// Prefix and Suffix are of the names of the files.
	Prefix, Suffix string
}

var names = Names{"model.safetensors.index.json", "model", ".safetensors"}

// In reports whether dir has weights of this format.
func In(dir string) bool { return names.In(dir) }

// In reports whether dir has files that are called so.
func (n Names) In(dir string) bool {
	entries, _ := os.ReadDir(dir) // whoever opens the folder says why it cannot be read
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == n.Index || n.Match(e.Name()) })
}

// Match reports whether a file's name is that of weights.
func (n Names) Match(name string) bool {
	return strings.HasPrefix(name, n.Prefix) && strings.HasSuffix(name, n.Suffix)
}

// List returns the names of the weight files that dir should have, sorted: those that the index names are not looked for.
func List(dir string) ([]string, error) {
	found, _, err := names.list(dir, nil)
	return found, err
}

// IndexFiles returns the names of the files that an index names, sorted. path is for messages.
func IndexFiles(b []byte, path string) ([]string, error) {
	where, err := parseIndex(b, path)
	if err != nil {
		return nil, err
	}
	return slices.Compact(slices.Sorted(maps.Values(where))), nil
}

// list returns the names of the weight files, sorted, and where each tensor is if an index says so. Without an index they
// are those of have, if that is not nil, or of dir.
func (n Names) list(dir string, have []string) (names []string, where map[string]string, err error) {
	path := filepath.Join(dir, n.Index)
	b, err := inputfile.ReadText(path, MaxIndex)
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
	if have != nil {
		return have, nil, checkNumbers(dir, have)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries { // sorted by name
		if n.Match(e.Name()) {
			names = append(names, e.Name())
		}
	}
	if len(names) == 0 {
		return nil, nil, noWeights(dir, entries)
	}
	return names, nil, checkNumbers(dir, names)
}

var shard = regexp.MustCompile(`-(\d{5})-of-(\d{5})(\.[a-z]+)$`)

// checkNumbers finds a shard that is missing, by the numbers in the names of the others.
func checkNumbers(dir string, names []string) error {
	for _, name := range names {
		m := shard.FindStringSubmatchIndex(name)
		if m == nil {
			continue
		}
		count, _ := strconv.Atoi(name[m[4]:m[5]])
		for n := 1; n <= count && n <= len(names)+1; n++ { // one of them is missing if there are more
			want := fmt.Sprintf("%s-%05d-of-%05d%s", name[:m[0]], n, count, name[m[6]:])
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
			return hint.Wrap(fmt.Errorf("%w: %s does not have the name of a checkpoint's weights", missing, name),
				"name it pytorch_model.bin if PyTorch saved the whole model in it, with the names of transformers")
		case ends(".safetensors"):
			return hint.Wrap(fmt.Errorf("%w: %s does not have the name of a checkpoint's weights", missing, name), "name it model.safetensors if it holds the whole model")
		case ends(".gguf"):
			return hint.Wrap(fmt.Errorf("%w: %s is a GGUF file, not a checkpoint", missing, name), "give it to carat quantize")
		case ends(".h5") || ends(".msgpack") || ends(".onnx") || ends(".npz"):
			return fmt.Errorf("%w: %s is in a format that carat does not read: safetensors and PyTorch's .bin files are supported", missing, name)
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
