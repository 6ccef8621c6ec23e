package convert

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
)

// wantFolder says what is given instead of a folder.
func wantFolder(dir string) error {
	st, err := os.Stat(dir)
	switch {
	case errors.Is(err, os.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: %s: no such folder", gguf.ErrInput, dir)
	case errors.Is(err, syscall.ELOOP), errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.EINVAL):
		return fmt.Errorf("%w: %w", gguf.ErrInput, err)
	case err != nil:
		return err
	case st.IsDir():
		return nil
	case strings.HasSuffix(dir, ".gguf"):
		return hint.Wrap(fmt.Errorf("%w: %s is a GGUF file, not a checkpoint folder", gguf.ErrInput, dir), "use carat quantize")
	case strings.HasSuffix(dir, ".safetensors"):
		return hint.Wrap(fmt.Errorf("%w: %s is a file, not a checkpoint folder", gguf.ErrInput, dir), "give its folder, %s", filepath.Dir(dir))
	}
	return hint.Wrap(fmt.Errorf("%w: %s is a file, not a checkpoint folder", gguf.ErrInput, dir), "give the folder that holds config.json")
}

// Pooling types of GGUF: how an embedding model makes one vector of those of its tokens.
const (
	poolingMean uint32 = 1
	poolingCLS  uint32 = 2
	poolingLast uint32 = 3
)

// modulesFile is where sentence-transformers lists what an embedding model is made of.
const modulesFile = "modules.json"

// module is a part of an embedding model, which has a folder for its own files.
type module struct{ Type, Path string }

// readModules lists the parts of an embedding model, none of other models.
func readModules(dir string) (modules []module, err error) {
	_, err = readJSON(filepath.Join(dir, modulesFile), &modules)
	return modules, err
}

// poolingType is what an embedding model does with the vectors of its tokens; nothing for other models.
func poolingType(dir, name string, modules []module) ([]gguf.KV, error) {
	path := filepath.Join(dir, modulesFile)
	for _, m := range modules {
		if !strings.HasSuffix(m.Type, "Pooling") {
			continue
		}
		if !filepath.IsLocal(m.Path) {
			return nil, fmt.Errorf("%w: %s: the pooling module's path must be a folder inside this one (got %q)", gguf.ErrInput, path, m.Path)
		}
		var pooling map[string]any
		file := filepath.Join(dir, m.Path, "config.json")
		if ok, err := readJSON(file, &pooling); err != nil {
			return nil, err
		} else if !ok {
			return nil, fmt.Errorf("%w: %s: missing file: %s names it", gguf.ErrInput, file, path)
		}
		kind, err := poolingMode(pooling, file)
		return []gguf.KV{{Key: name + ".pooling_type", Value: kind}}, err
	}
	return nil, nil
}

func poolingMode(pooling map[string]any, path string) (uint32, error) {
	for _, mode := range []struct {
		flag, name string
		kind       uint32
	}{{"pooling_mode_mean_tokens", "mean", poolingMean}, {"pooling_mode_cls_token", "cls", poolingCLS}, {"pooling_mode_lasttoken", "lasttoken", poolingLast}} {
		if pooling[mode.flag] == true || pooling["pooling_mode"] == mode.name {
			return mode.kind, nil
		}
	}
	return 0, fmt.Errorf("%w: %s: unsupported pooling: only the mean, the first (cls) or the last token are supported", gguf.ErrInput, path)
}

// readJSON reads a small file that may be absent.
func readJSON(path string, v any) (bool, error) {
	b, err := inputfile.ReadText(path, 1<<20)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return false, fmt.Errorf("%w: %s: %w", gguf.ErrInput, path, err)
	}
	return true, nil
}
