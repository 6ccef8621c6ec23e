package arch

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/carat-llm/carat/gguf"
)

// Config is a config.json. Its readers remember the first error, which Err returns.
type Config struct {
	path   string
	values map[string]any
	err    error
}

// ReadConfig reads dir/config.json.
func ReadConfig(dir string) (*Config, error) {
	path := filepath.Join(dir, "config.json")
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s: missing file: a checkpoint folder has one", gguf.ErrInput, path)
	}
	if err != nil {
		return nil, err
	}
	return parseConfig(b, path)
}

func parseConfig(b []byte, path string) (*Config, error) {
	c := &Config{path: path}
	if err := json.Unmarshal(b, &c.values); err != nil || c.values == nil {
		return nil, fmt.Errorf("%w: %s: config: it is not a JSON object (%v)", gguf.ErrInput, path, err)
	}
	return c, nil
}

// Values is the whole of it.
func (c *Config) Values() map[string]any { return c.values }

// Err is the first error that a reader met.
func (c *Config) Err() error { return c.err }

func (c *Config) fail(key, format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf("%w: %s: config: %s %s", gguf.ErrInput, c.path, key, fmt.Sprintf(format, args...))
	}
}

// Has reports whether key has a value other than null.
func (c *Config) Has(key string) bool { return c.values[key] != nil }

// Int reads a number from 1 to limit.
func (c *Config) Int(key string, limit int64) int64 {
	v, ok := c.values[key].(float64)
	if !ok {
		c.fail(key, "is %v (%T): want a whole number", c.values[key], c.values[key])
		return 1
	}
	if v < 1 || v > float64(limit) || v != math.Trunc(v) {
		c.fail(key, "is %v: want a whole number from 1 to %d", v, limit)
		return 1
	}
	return int64(v)
}

// IntOr is Int with a default for an absent key.
func (c *Config) IntOr(key string, limit, def int64) int64 {
	if !c.Has(key) {
		return def
	}
	return c.Int(key, limit)
}

// Float reads a finite number, or def when key is absent.
func (c *Config) Float(key string, def float64) float64 {
	if !c.Has(key) {
		return def
	}
	v, ok := c.values[key].(float64)
	if !ok {
		c.fail(key, "is %v (%T): want a number", c.values[key], c.values[key])
	}
	return v
}

// Bool reads a boolean, false when absent.
func (c *Config) Bool(key string) bool {
	v, ok := c.values[key].(bool)
	if !ok && c.Has(key) {
		c.fail(key, "is %v (%T): want true or false", c.values[key], c.values[key])
	}
	return v
}

// Sub returns an object within the config, empty when absent.
func (c *Config) Sub(key string) *Config {
	s := &Config{path: c.path}
	if c.Has(key) {
		var ok bool
		if s.values, ok = c.values[key].(map[string]any); !ok {
			c.fail(key, "is %v (%T): want an object", c.values[key], c.values[key])
		}
	}
	return s
}

// String reads a string, "" when absent.
func (c *Config) String(key string) string {
	v, ok := c.values[key].(string)
	if !ok && c.Has(key) {
		c.fail(key, "is %v (%T): want a string", c.values[key], c.values[key])
	}
	return v
}

// Floats reads an array of n numbers.
func (c *Config) Floats(key string, n int64) []float32 {
	a, _ := c.values[key].([]any)
	if int64(len(a)) != n {
		c.fail(key, "has %d values, want %d", len(a), n)
		return nil
	}
	out := make([]float32, n)
	for i, x := range a {
		v, ok := x.(float64)
		if !ok {
			c.fail(key, "holds %v: want numbers", x)
		}
		out[i] = float32(v)
	}
	return out
}

// Limits of a config: far above any model, low enough that nothing derived from them overflows.
const (
	maxLayers  = 1000
	maxExperts = 4096
	maxWidth   = 1 << 20
	maxVocab   = 1 << 22
	maxTokens  = 1 << 30
)

// dims are the sizes that all decoder families share.
type dims struct {
	layers, hidden, ffn, heads, kvHeads, headDim, vocab int64
}

// readDims reads them; headDim is used when config.json has none, and 0 means hidden/heads.
func readDims(c *Config, headDim int64) dims {
	d := dims{layers: c.Int("num_hidden_layers", maxLayers), hidden: c.Int("hidden_size", maxWidth), ffn: c.Int("intermediate_size", maxWidth),
		heads: c.Int("num_attention_heads", maxWidth), vocab: c.Int("vocab_size", maxVocab)}
	d.kvHeads = c.IntOr("num_key_value_heads", maxWidth, d.heads)
	if headDim == 0 {
		headDim = d.hidden / d.heads
	}
	d.headDim = c.IntOr("head_dim", maxWidth, headDim)
	if d.heads%d.kvHeads != 0 {
		c.fail("num_key_value_heads", "is %d: it must divide num_attention_heads %d", d.kvHeads, d.heads)
	}
	if d.headDim%2 != 0 || d.headDim == 0 {
		c.fail("head_dim", "is %d: it must be even", d.headDim)
	}
	return d
}
