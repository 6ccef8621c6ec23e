package general

import (
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/internal/pyjson"
)

// sampler is an entry general.sampling.key.
type sampler struct {
	key  string
	from []string // names in generation_config.json: the first that is there counts
	kind any      // of the entry: "", int32 or float32
}

// samplers are the entries in the order in which they are written.
var samplers = []sampler{
	{"sequence", []string{"sequence"}, ""},
	{"top_k", []string{"top_k"}, int32(0)},
	{"top_p", []string{"top_p"}, float32(0)},
	{"min_p", []string{"min_p"}, float32(0)},
	{"xtc_probability", []string{"xtc_probability"}, float32(0)},
	{"xtc_threshold", []string{"xtc_threshold"}, float32(0)},
	{"temp", []string{"temperature"}, float32(0)},
	{"penalty_last_n", []string{"penalty_last_n"}, int32(0)},
	{"penalty_repeat", []string{"penalty_repeat", "repetition_penalty"}, float32(0)},
	{"mirostat", []string{"mirostat"}, int32(0)},
	{"mirostat_tau", []string{"mirostat_tau"}, float32(0)},
	{"mirostat_eta", []string{"mirostat_eta"}, float32(0)},
}

func samplingKeys() []string {
	out := make([]string, len(samplers))
	for i, s := range samplers {
		out[i] = s.key
	}
	return out
}

// value is v as the entry has it, and false where it does not fit.
func (s sampler) value(v any) (any, bool) {
	if b, ok := v.(bool); ok { // a number in Python
		v = 0.0
		if b {
			v = 1.0
		}
	}
	n, isNumber := v.(float64)
	switch s.kind.(type) {
	case int32:
		return int32(n), isNumber && n == math.Trunc(n) && math.Abs(n) <= math.MaxInt32
	case float32:
		return float32(n), isNumber && (math.Abs(n) <= math.MaxFloat32 || math.IsInf(n, 0) || math.IsNaN(n))
	}
	text, ok := v.(string)
	return text, ok
}

// setSampling keeps the user's value of an entry.
func (f *facts) setSampling(key string, v any) bool {
	for _, s := range samplers {
		if s.key == key {
			value, ok := s.value(v)
			f.sampling[key] = value
			return ok
		}
	}
	return false
}

// generationConfig reads how the model's makers sample. The model does not depend on it: what cannot be read is
// passed over and said.
func (f *facts) generationConfig(path string) error {
	b, err := inputfile.ReadSmall(path, inputfile.MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := pyjson.Object(b)
	if err != nil {
		f.note("generation_config.json is ignored: %v", err)
		return nil
	}
	for _, s := range samplers {
		if _, given := f.sampling[s.key]; given {
			continue
		}
		for _, name := range s.from {
			v, found := m[name]
			if !found {
				continue
			}
			if value, ok := s.value(v); ok {
				f.sampling[s.key] = value
			} else if v != nil {
				f.note("generation_config.json: %s is ignored: expected %s (got %s)", name, s.expected(), shown(v))
			}
			break
		}
	}
	return nil
}

// shown is a value for a note: short, and without control characters.
func shown(v any) string {
	if s, ok := v.(string); ok {
		return fmt.Sprintf("%.40q", s)
	}
	return fmt.Sprintf("%.40s", fmt.Sprint(v))
}

func (s sampler) expected() string {
	switch s.kind.(type) {
	case int32:
		return "a whole number"
	case float32:
		return "a number"
	}
	return "a string"
}

func (f *facts) samplingKVs() []gguf.KV {
	var kvs []gguf.KV
	for _, s := range samplers {
		if v, ok := f.sampling[s.key]; ok && v != "" {
			kvs = append(kvs, gguf.KV{Key: "general.sampling." + s.key, Value: v})
		}
	}
	return kvs
}
