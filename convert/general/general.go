// Package general finds out what a model is called and where it comes from: the general.* entries.
//
// Sources are asked in the reference converter's order, and the first that knows a field decides: the front
// matter of README.md, config.json's _name_or_path, the folder's name, or that of
// the repository if it is in the cache of huggingface_hub. A metadata file and a name given by
// the user override them. No path of the machine is ever written.
package general

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hfcache"
)

// Options override what is found.
type Options struct {
	ModelName    string
	MetadataFile string // JSON object of general.* entries
	// Parameters is the number of weights, for the size label. With Experts, WithOneExpert are those of the model with one
	// of them.
	Parameters, Experts, WithOneExpert int64
}

// facts are the fields found so far, by the key without "general.".
type facts struct {
	text  map[string]string
	lists map[string][]string
	// bases and datasets are what the model was made from; nil is not known.
	bases, datasets []ancestor
	sampling        map[string]any // by the key without "general.sampling."
	notes           []string
}

func newFacts() *facts {
	return &facts{text: map[string]string{}, lists: map[string][]string{}, sampling: map[string]any{}}
}

// put keeps the first value. An empty one counts, too: it is not written, and no other is.
func (f *facts) put(key, value string) {
	if _, ok := f.text[key]; !ok {
		f.text[key] = value
	}
}

func (f *facts) note(format string, args ...any) {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
}

// textKeys are the string fields in the order in which they are written.
var textKeys = []string{"name", "author", "version", "organization", "finetune", "basename", "description", "quantized_by", "size_label",
	"license", "license.name", "license.link", "url", "doi", "uuid", "repo_url", "source.url", "source.doi", "source.uuid", "source.repo_url"}

// Metadata returns general.type and what follows it, and notes of what was passed over.
func Metadata(dir string, config map[string]any, o Options) ([]gguf.KV, []string, error) {
	f := newFacts()
	if err := f.override(o); err != nil {
		return nil, nil, err
	}
	if err := f.modelCard(filepath.Join(dir, "README.md")); err != nil {
		return nil, nil, err
	}
	if id, ok := config["_name_or_path"].(string); ok && strings.Count(id, "/") <= 1 {
		f.putID(id, o.Parameters)
	}
	if id, _, ok := hfcache.Repository(dir); ok {
		f.putID(id, o.Parameters) // the folder's own name is that of a commit
	} else {
		f.putID(hfcache.Name(dir), o.Parameters)
	}
	f.put("size_label", o.sizeLabel())
	if err := f.generationConfig(filepath.Join(dir, "generation_config.json")); err != nil {
		return nil, nil, err
	}

	kvs := []gguf.KV{{Key: "general.type", Value: "model"}}
	kvs = append(kvs, f.samplingKVs()...)
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
	return kvs, f.notes, nil
}

// ancestors writes the models or data sets that this one was made from.
func ancestors(kind string, all []ancestor) []gguf.KV {
	if all == nil {
		return nil
	}
	kvs := []gguf.KV{{Key: "general." + kind + ".count", Value: uint32(len(all))}}
	for i, a := range all {
		for _, key := range ancestorKeys {
			if a[key] != "" {
				kvs = append(kvs, gguf.KV{Key: fmt.Sprintf("general.%s.%d.%s", kind, i, key), Value: a[key]})
			}
		}
	}
	return kvs
}

// sizeLabel is the number of weights, or with experts how many they are and the weights of a model with one of
// them: "8x7B".
func (o Options) sizeLabel() string {
	if o.Experts == 0 {
		return rounded(o.Parameters)
	}
	return fmt.Sprintf("%dx%s", o.Experts, rounded(o.WithOneExpert))
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
