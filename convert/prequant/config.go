package prequant

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
)

// Config is what a checkpoint says of how it was quantized.
type Config struct {
	dir    string // the checkpoint's folder
	path   string // the file that says it, and where in it
	where  string
	values map[string]any
	method method
}

// maxConfig is the size of the largest file beside config.json that is read: lists of modules make some of 100 kB.
const maxConfig = 16 << 20

// Read finds how the checkpoint in dir was quantized; config is its config.json, with the text model's keys over the
// others. It returns nil for one that is not quantized, and an error that names the method if it cannot be read.
func Read(dir string, config map[string]any) (*Config, error) {
	c := &Config{dir: dir, path: filepath.Join(dir, "config.json")}
	for _, key := range []string{"quantization_config", "compression_config"} {
		if q, _ := config[key].(map[string]any); len(q) > 0 {
			c.where, c.values = key, q
			break
		}
	}
	if c.values == nil {
		if err := c.beside(); err != nil {
			return nil, err
		}
	}
	if c.values == nil {
		return nil, nil
	}
	m, err := c.find()
	if err != nil {
		return nil, err
	}
	c.method = m
	return c, nil
}

// beside reads the files in which older tools say it.
func (c *Config) beside() error {
	for _, f := range []struct{ file, method, within string }{{"hf_quant_config.json", "modelopt", "quantization"},
		{"quantize_config.json", "gptq", ""}, {"quant_config.json", "awq", ""}} {
		path := filepath.Join(c.dir, f.file)
		b, err := inputfile.ReadText(path, maxConfig)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		var values map[string]any
		if err := json.Unmarshal(b, &values); err != nil {
			return fmt.Errorf("%w: %s: %w", gguf.ErrInput, path, err)
		}
		if f.within != "" {
			inner, ok := values[f.within].(map[string]any)
			if !ok {
				return fmt.Errorf("%w: %s: %s must be an object (got %v): it says how the weights are quantized", gguf.ErrInput, path, f.within, values[f.within])
			}
			values = inner
		}
		for older, key := range map[string]string{"w_bit": "bits", "q_group_size": "group_size"} {
			if values[key] == nil && values[older] != nil {
				values[key] = values[older]
			}
		}
		if values["quant_method"] == nil {
			values["quant_method"] = f.method
		}
		c.path, c.where, c.values = path, "the file", values
		return nil
	}
	return nil
}

// find is the method of the checkpoint.
func (c *Config) find() (method, error) {
	name := strings.ToLower(c.text("quant_method"))
	m, ok := methods[name]
	if !ok {
		return m, c.unsupported("", "")
	}
	if m.check != nil {
		if why := m.check(c); why != "" {
			return m, c.unsupported(m.name, why)
		}
	}
	if m.choose != nil {
		m.layouts = m.choose(c)
	}
	return m, nil
}

// known are methods that are not read, with what they are called.
var known = map[string]string{"hqq": "HQQ", "aqlm": "AQLM", "quanto": "Quanto", "torchao": "torchao", "eetq": "EETQ", "quark": "Quark",
	"higgs": "HIGGS", "vptq": "VPTQ", "spqr": "SpQR", "exl2": "EXL2", "exl3": "EXL3", "sinq": "SINQ", "fp_quant": "FP-Quant"}

// unsupported says what cannot be read, why if that is known, and what can be done.
func (c *Config) unsupported(name, why string) error {
	said := c.text("quant_method")
	if name == "" {
		name = known[strings.ToLower(said)]
	}
	if name == "" {
		name = fmt.Sprintf("the method %q", said)
	}
	if bits, ok := c.values["bits"].(float64); ok {
		name += fmt.Sprintf(", %v bits", bits)
	}
	for _, key := range []string{"format", "quant_algo"} {
		if s := c.text(key); s != "" {
			name += ", " + s
		}
	}
	if why == "" {
		why = ", which carat does not read"
	} else {
		why = ": " + why
	}
	return hint.Wrap(fmt.Errorf("%w: %s: %s says that the weights are quantized with %s%s", gguf.ErrInput, c.path, c.where, name, why),
		"convert the checkpoint that this one was made from, in BF16 or F16; carat reads %s", strings.Join(Methods(), ", "))
}

// Methods are the values of quant_method that are read.
func Methods() []string { return slices.Sorted(maps.Keys(methods)) }

// text is a value that is a string, "" if there is none.
func (c *Config) text(key string) string {
	s, _ := c.values[key].(string)
	return s
}

// whole is a value that is a whole number from low to 1<<30, otherwise if there is none.
func (c *Config) whole(values map[string]any, key string, low, otherwise int64) (int64, error) {
	v, there := values[key]
	if !there || v == nil {
		return otherwise, nil
	}
	f, ok := v.(float64)
	if !ok || f != math.Trunc(f) || f < float64(low) || f > 1<<30 {
		return 0, fmt.Errorf("%w: %s: %s: %s must be a whole number of at least %d (got %v)", gguf.ErrInput, c.path, c.where, key, low, v)
	}
	return int64(f), nil
}

// sizes is a value that is a list of whole numbers above 0, or nil.
func (c *Config) sizes(values map[string]any, key string) ([]int64, error) {
	if values[key] == nil {
		return nil, nil
	}
	list, _ := values[key].([]any)
	var out []int64
	for _, x := range list {
		f, _ := x.(float64)
		if f < 1 || f > 1<<30 || f != math.Trunc(f) {
			break
		}
		out = append(out, int64(f))
	}
	if len(out) != len(list) || len(out) != 2 {
		return nil, fmt.Errorf("%w: %s: %s: %s must be two whole numbers above 0 (got %v)", gguf.ErrInput, c.path, c.where, key, values[key])
	}
	return out, nil
}
