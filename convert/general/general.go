// Package general finds out what a model is called and where it comes from: the general.* entries.
//
// Sources are asked in the reference converter's order, and the first that knows a field decides: the front
// matter of README.md, config.json's _name_or_path, the folder's name. A metadata file and a name given by
// the user override them. No path of the machine is ever written.
package general

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
)

// Options override what is found.
type Options struct {
	ModelName    string
	MetadataFile string // JSON object of general.* entries
	// Parameters is the number of weights, for the size label; ExpertParameters of them are in Experts experts.
	Parameters, ExpertParameters, Experts int64
}

// facts are the fields found so far, by the key without "general.".
type facts struct {
	text  map[string]string
	lists map[string][]string
	// bases and datasets hold ids as in "organization/name".
	bases, datasets []string
}

// put keeps the first value.
func (f *facts) put(key, value string) {
	if f.text[key] == "" && value != "" {
		f.text[key] = value
	}
}

// textKeys are the string fields in the order in which they are written.
var textKeys = []string{"name", "author", "version", "organization", "finetune", "basename", "description", "quantized_by", "size_label",
	"license", "license.name", "license.link", "url", "doi", "uuid", "repo_url", "source.url", "source.doi", "source.uuid", "source.repo_url"}

// Metadata returns general.type and what follows it.
func Metadata(dir string, config map[string]any, o Options) ([]gguf.KV, error) {
	f := &facts{text: map[string]string{}, lists: map[string][]string{}}
	if err := f.override(o); err != nil {
		return nil, err
	}
	if err := f.modelCard(filepath.Join(dir, "README.md")); err != nil {
		return nil, err
	}
	if id, _ := config["_name_or_path"].(string); strings.Count(id, "/") <= 1 {
		f.putID(id, o.Parameters)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	f.putID(filepath.Base(abs), o.Parameters)
	f.put("size_label", o.sizeLabel())

	kvs := []gguf.KV{{Key: "general.type", Value: "model"}}
	sampling, err := samplingKVs(filepath.Join(dir, "generation_config.json"))
	if err != nil {
		return nil, err
	}
	kvs = append(kvs, sampling...)
	for _, k := range textKeys {
		if v := f.text[k]; v != "" {
			kvs = append(kvs, gguf.KV{Key: "general." + k, Value: v})
		}
	}
	kvs = append(kvs, ancestors("base_model", f.bases)...)
	kvs = append(kvs, ancestors("dataset", f.datasets)...)
	for _, k := range []string{"tags", "languages"} {
		if v := f.lists[k]; len(v) > 0 {
			kvs = append(kvs, gguf.KV{Key: "general." + k, Value: v})
		}
	}
	return kvs, nil
}

// ancestors writes the models or data sets that this one was made from.
func ancestors(kind string, ids []string) []gguf.KV {
	if len(ids) == 0 {
		return nil
	}
	kvs := []gguf.KV{{Key: "general." + kind + ".count", Value: uint32(len(ids))}}
	for i, id := range ids {
		p := parseID(id, 0)
		add := func(key, value string) {
			if value != "" {
				kvs = append(kvs, gguf.KV{Key: fmt.Sprintf("general.%s.%d.%s", kind, i, key), Value: value})
			}
		}
		add("name", title(p.full))
		add("version", p.version)
		add("organization", title(p.organization))
		if p.organization != "" {
			add("repo_url", "https://huggingface.co/"+p.organization+"/"+p.full)
		}
	}
	return kvs
}

// override takes the user's words before anything else.
func (f *facts) override(o Options) error {
	f.put("name", o.ModelName)
	if o.MetadataFile == "" {
		return nil
	}
	b, err := inputfile.ReadText(o.MetadataFile, inputfile.MaxConfig)
	if err != nil {
		return err
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return fmt.Errorf("%w: %s: %w", gguf.ErrInput, o.MetadataFile, err)
	}
	for k, v := range m {
		key, ok := strings.CutPrefix(k, "general.")
		switch v := v.(type) {
		case string:
			for _, t := range textKeys {
				if ok && t == key {
					f.put(key, v)
					key = ""
				}
			}
		case []any:
			if ok && (key == "tags" || key == "languages") {
				f.lists[key] = stringsOf(v)
				key = ""
			}
		}
		if key != "" {
			return fmt.Errorf("%w: %s: cannot set %s: general.%s must be strings, and general.tags and general.languages lists",
				gguf.ErrInput, o.MetadataFile, k, strings.Join(textKeys, ", general."))
		}
	}
	return nil
}

func stringsOf(v []any) []string {
	var out []string
	for _, x := range v {
		if s, ok := x.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// sizeLabel is the number of weights, or with experts how many they are and the weights of a model with one of
// them: "8x7B".
func (o Options) sizeLabel() string {
	if o.Experts == 0 {
		return rounded(o.Parameters)
	}
	return fmt.Sprintf("%dx%s", o.Experts, rounded(o.Parameters-o.ExpertParameters+o.ExpertParameters/o.Experts))
}

// rounded rounds a number of parameters to at least two digits: "135M", "1.1B".
func rounded(n int64) string {
	if n <= 0 {
		return ""
	}
	v, unit := float64(n)/1e3, "K"
	switch {
	case n > 1e12:
		v, unit = float64(n)/1e12, "T"
	case n > 1e9:
		v, unit = float64(n)/1e9, "B"
	case n > 1e6:
		v, unit = float64(n)/1e6, "M"
	}
	digits := len(strings.TrimLeft(fmt.Sprintf("%.0f", math.RoundToEven(v)), "0"))
	return fmt.Sprintf("%.*f%s", max(2-digits, 0), v, unit)
}

// samplingKVs are the defaults of generation_config.json.
func samplingKVs(path string) ([]gguf.KV, error) {
	b, err := inputfile.ReadSmall(path, inputfile.MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var m map[string]any
	if json.Unmarshal(b, &m) != nil {
		return nil, nil // the model does not depend on it; the reference ignores it too
	}
	var kvs []gguf.KV
	for _, s := range []struct {
		from, to string
		whole    bool
	}{{"top_k", "top_k", true}, {"top_p", "top_p", false}, {"min_p", "min_p", false}, {"temperature", "temp", false}, {"repetition_penalty", "penalty_repeat", false}} {
		v, ok := m[s.from].(float64)
		switch {
		case !ok:
		case s.whole:
			kvs = append(kvs, gguf.KV{Key: "general.sampling." + s.to, Value: int32(v)})
		default:
			kvs = append(kvs, gguf.KV{Key: "general.sampling." + s.to, Value: float32(v)})
		}
	}
	return kvs, nil
}
