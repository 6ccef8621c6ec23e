package arch

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/internal/pyjson"
)

// Config is a config.json over the defaults of its class. It is never changed once it is read. Its readers
// remember the first error, which Err returns.
type Config struct {
	path string
	// within is what the names of the keys begin with in messages: "rope_scaling." in an object of that name.
	within   string
	values   map[string]any
	text     map[string]any // those of values which a multimodal model has in an object of their own
	defaults map[string]any
	said     *said
}

// said is what the readers of a config and of the objects in it have found.
type said struct {
	err   error
	notes []string
}

// maxConfig is the size of the largest config.json that is read: factors of long contexts make some of 100 kB.
const maxConfig = 16 << 20

// ReadConfig reads dir/config.json.
func ReadConfig(dir string) (*Config, error) {
	path := filepath.Join(dir, "config.json")
	b, err := inputfile.ReadText(path, maxConfig)
	if errors.Is(err, os.ErrNotExist) {
		return nil, notACheckpoint(dir)
	}
	if err != nil {
		return nil, err
	}
	return parseConfig(b, path)
}

func parseConfig(b []byte, path string) (*Config, error) {
	values, err := pyjson.Object(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: config: not a JSON object (%v)", gguf.ErrInput, path, err)
	}
	return &Config{path: path, values: values, said: &said{}}, nil
}

// over returns the config with a family's defaults behind it, its keys under the names that the family uses. The keys
// of a multimodal model's text part stand over its own.
func (c *Config) over(f *Family) *Config {
	values := maps.Clone(c.values)
	_, text := c.textPart()
	maps.Copy(values, text)
	for alias, key := range f.Aliases {
		if _, ok := values[key]; !ok && values[alias] != nil {
			values[key] = values[alias]
		}
	}
	return &Config{path: c.path, values: values, text: text, defaults: f.Defaults, said: c.said}
}

// textParts are the names under which multimodal models have the config of their text model.
var textParts = []string{"text_config", "llm_config", "lm_config", "language_config", "thinker_config"}

// textPart is the config of the text model in that of a multimodal one, and where it is.
func (c *Config) textPart() (where string, text map[string]any) {
	for _, name := range textParts {
		m, ok := c.values[name].(map[string]any)
		if ok && name == "thinker_config" { // Qwen2.5-Omni
			name += ".text_config"
			m, ok = m["text_config"].(map[string]any)
		}
		if ok {
			return name + ".", m
		}
	}
	return "", nil
}

// Values is the whole of it as the file has it.
func (c *Config) Values() map[string]any { return maps.Clone(c.values) }

// Err is the first error that a reader met.
func (c *Config) Err() error { return c.said.err }

// Notes are what the user should know of a config that is converted all the same.
func (c *Config) Notes() []string { return c.said.notes }

func (c *Config) fail(key, format string, args ...any) {
	if c.said.err == nil {
		c.said.err = fmt.Errorf("%w: %s: config: %s %s", gguf.ErrInput, c.path, c.full(key), fmt.Sprintf(format, args...))
	}
}

func (c *Config) note(key, format string, args ...any) {
	c.said.notes = append(c.said.notes, fmt.Sprintf("config.json: %s %s", c.full(key), fmt.Sprintf(format, args...)))
}

// full is a key as config.json has it.
func (c *Config) full(key string) string {
	if _, ok := c.text[key]; ok {
		where, _ := c.textPart()
		return where + key
	}
	return c.within + key
}

// value is the file's, or the default of the class for a key that the file does not have. null is a value.
func (c *Config) value(key string) any {
	if v, ok := c.values[key]; ok {
		return v
	}
	return c.defaults[key]
}

// with is the config with another value.
func (c *Config) with(key string, v any) *Config {
	other := *c
	other.values = maps.Clone(c.values)
	other.values[key] = v
	return &other
}

// class is the first class that the file names.
func (c *Config) class() string {
	if names := c.List("architectures"); len(names) > 0 {
		s, _ := names[0].(string)
		return s
	}
	return ""
}

// Has reports whether key has a value other than null.
func (c *Config) Has(key string) bool { return c.value(key) != nil }

// first is the first of names that has a value, "" if none has.
func (c *Config) first(names ...string) string {
	for _, name := range names {
		if c.Has(name) {
			return name
		}
	}
	return ""
}

// Int reads a number from 1 to limit.
func (c *Config) Int(key string, limit int64) int64 {
	v, ok := c.value(key).(float64)
	switch {
	case !c.Has(key):
		c.fail(key, "is missing; it must be a whole number")
		return 1
	case !ok:
		c.fail(key, "must be a whole number (got %v, a %T)", c.value(key), c.value(key))
		return 1
	case !(v >= 1 && v <= float64(limit)) || v != math.Trunc(v):
		c.fail(key, "must be a whole number between 1 and %d (got %v)", limit, v)
		return 1
	}
	return int64(v)
}

// IntOr is Int with a default for a key that is absent or null.
func (c *Config) IntOr(key string, limit, def int64) int64 {
	if !c.Has(key) {
		return def
	}
	return c.Int(key, limit)
}

// count is Int where 0 is a number, too, and what a key is that is absent or null.
func (c *Config) count(key string, limit int64) int64 {
	if v, ok := c.value(key).(float64); ok && v == 0 {
		return 0
	}
	return c.IntOr(key, limit, 0)
}

// Float reads a finite number, or def when key is absent or null.
func (c *Config) Float(key string, def float64) float64 {
	if !c.Has(key) {
		return def
	}
	v, ok := c.value(key).(float64)
	switch {
	case !ok:
		c.fail(key, "must be a number (got %v, a %T)", c.value(key), c.value(key))
		return def
	case math.IsNaN(v) || math.IsInf(v, 0):
		c.fail(key, "must be a finite number (got %v)", v)
		return def
	}
	return v
}

// positive is Float of a number above 0.
func (c *Config) positive(key string, def float64) float64 {
	v := c.Float(key, def)
	if v <= 0 {
		c.fail(key, "must be a number above 0 (got %v)", v)
		return 1
	}
	return v
}

// Bool reads a boolean, false when absent.
func (c *Config) Bool(key string) bool {
	v, ok := c.value(key).(bool)
	if !ok && c.Has(key) {
		c.fail(key, "must be true or false (got %v, a %T)", c.value(key), c.value(key))
	}
	return v
}

// Sub returns an object within the config, empty when absent.
func (c *Config) Sub(key string) *Config {
	s := &Config{path: c.path, within: c.full(key) + ".", said: c.said}
	if c.Has(key) {
		var ok bool
		if s.values, ok = c.value(key).(map[string]any); !ok {
			c.fail(key, "must be an object (got %v, a %T)", c.value(key), c.value(key))
		}
	}
	return s
}

// String reads a string, "" when absent.
func (c *Config) String(key string) string {
	v, ok := c.value(key).(string)
	if !ok && c.Has(key) {
		c.fail(key, "must be a string (got %v, a %T)", c.value(key), c.value(key))
	}
	return v
}

// List reads an array, nil when absent.
func (c *Config) List(key string) []any {
	v, ok := c.value(key).([]any)
	if !ok && c.Has(key) {
		c.fail(key, "must be an array (got %v, a %T)", c.value(key), c.value(key))
	}
	return v
}

// Floats reads an array of n numbers.
func (c *Config) Floats(key string, n int64) []float32 {
	a := c.List(key)
	if int64(len(a)) != n {
		c.fail(key, "must have %d values (got %d)", n, len(a))
		return nil
	}
	out := make([]float32, n)
	for i, x := range a {
		v, ok := x.(float64)
		if out[i] = float32(v); !ok || out[i]-out[i] != 0 {
			c.fail(key, "must hold finite numbers (got %v)", x)
		}
	}
	return out
}
