package general

import (
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/internal/pyjson"
)

// override takes the user's words before anything else.
func (f *facts) override(o Options) error {
	if o.ModelName != "" {
		f.put("name", o.ModelName)
	}
	if o.MetadataFile == "" {
		return nil
	}
	b, err := inputfile.ReadText(o.MetadataFile, inputfile.MaxConfig)
	if err != nil {
		return err
	}
	m, err := pyjson.Object(b)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", gguf.ErrInput, o.MetadataFile, err)
	}
	for k, v := range m {
		if key, ok := strings.CutPrefix(k, "general."); !ok || !f.take(key, v) {
			return fmt.Errorf("%w: %s: cannot set %s: general.%s must be strings, general.tags and general.languages lists of strings, "+
				"general.base_models and general.datasets lists of objects with %s, and general.sampling.%s what llama.cpp's samplers take",
				gguf.ErrInput, o.MetadataFile, k, strings.Join(textKeys, ", general."), strings.Join(ancestorKeys, ", "), strings.Join(samplingKeys(), ", general.sampling."))
		}
	}
	return nil
}

// take keeps the value of a key, and says whether it could.
func (f *facts) take(key string, value any) bool {
	if name, ok := strings.CutPrefix(key, "sampling."); ok {
		return f.setSampling(name, value)
	}
	switch v := value.(type) {
	case string:
		if !slices.Contains(textKeys, key) {
			return false
		}
		f.put(key, v)
		return true
	case []any:
		switch key {
		case "tags", "languages":
			f.lists[key] = []string{}
			for _, x := range v {
				s, ok := x.(string)
				if !ok {
					return false
				}
				f.lists[key] = append(f.lists[key], s)
			}
			return true
		case "base_models":
			return takeAncestors(&f.bases, v)
		case "datasets":
			return takeAncestors(&f.datasets, v)
		}
	}
	return false
}

func takeAncestors(to *[]ancestor, list []any) bool {
	*to = []ancestor{}
	for _, x := range list {
		m, ok := x.(map[string]any)
		a := ancestor{}
		for k, v := range m {
			s, isText := v.(string)
			ok = ok && isText && slices.Contains(ancestorKeys, k)
			a[k] = s
		}
		if !ok {
			return false
		}
		*to = append(*to, a)
	}
	return true
}
