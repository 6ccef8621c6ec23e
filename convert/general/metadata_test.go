package general

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// describe writes README.md and generation_config.json into the folder "Model" and returns what becomes of them, without
// "general." and what is there without these files.
func describe(t *testing.T, files map[string]string, config map[string]any, o Options) (map[string]any, []string) {
	dir := filepath.Join(t.TempDir(), "Model")
	require.NoError(t, os.Mkdir(dir, 0o755))
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	if o.MetadataFile != "" {
		o.MetadataFile = filepath.Join(dir, o.MetadataFile)
	}
	kvs, notes, err := Metadata(dir, config, o)
	require.NoError(t, err)
	got := map[string]any{}
	for _, kv := range kvs {
		got[strings.TrimPrefix(kv.Key, "general.")] = kv.Value
	}
	if got["name"] == "Model" {
		delete(got, "name")
	}
	delete(got, "type")
	return got, notes
}

type kv = map[string]any

// What the reference writes for the same front matter, but for scalars that are no strings: those it refuses.
func TestModelCard(t *testing.T) {
	for card, want := range map[string]kv{
		"license: [mit, apache-2.0]": {"license": "mit,apache-2.0"},
		"license:":                   {},
		"license: other\nlicense_name: llama3\nlicense_link: LICENSE": {"license": "other", "license.name": "llama3", "license.link": "LICENSE"},
		"license: mit\nlicense: bsd":                                  {"license": "bsd"},
		"tags:\n\t- a":                                                {"tags": []string{"a"}},
		"tags: [a, b, a]\npipeline_tag: b":                            {"tags": []string{"a", "b", "a", "b"}},
		"tags: [2024, yes]\nlanguage: no":                             {"tags": []string{"2024", "yes"}, "languages": []string{"no"}},
		"tags: &x [a]\nlanguage: *x":                                  {"tags": []string{"a"}, "languages": []string{"a"}},
		"a: &a {license: mit}\n<<: *a":                                {"license": "mit"},
		"version: 1.10\nquantized_by: me":                             {"version": "1.10"},
		"name: ''":                                                    {},
		"model_creator: Meta\nmodel_type: llama":                      {"author": "Meta", "basename": "llama"},
		"finetune: it\nbasename: b\nsize_label: 7B\nmodel_version: v": {"finetune": "it", "basename": "b", "size_label": "7B", "version": "v"},
		"url: a\nmodel_doi: b\nuuid: c\nrepo_url: d":                  {"source.url": "a", "source.doi": "b", "source.uuid": "c", "source.repo_url": "d"},
		"base_model:":                                                 {"base_model.count": uint32(0)},
		"base_model: [7]":                                             {"base_model.count": uint32(1), "base_model.0.name": "7", "base_model.0.version": "7"},
		"base_model: [{name: A}]":                                     {"base_model.count": uint32(1), "base_model.0.name": "A"},
		"base_models: [c/d]\nbase_model: a/b-v2": {"base_model.count": uint32(1), "base_model.0.name": "B v2", "base_model.0.version": "v2",
			"base_model.0.organization": "A", "base_model.0.repo_url": "https://huggingface.co/a/b-v2"},
		"base_model: https://huggingface.co/a/b": {"base_model.count": uint32(1), "base_model.0.name": "B", "base_model.0.organization": "A",
			"base_model.0.repo_url": "https://huggingface.co/a/b"},
		"base_model: https://huggingface.co/a/b/tree": {"base_model.count": uint32(1), "base_model.0.repo_url": "https://huggingface.co/a/b/tree"},
		"datasets: https://example.com/x":             {"dataset.count": uint32(1), "dataset.0.repo_url": "https://example.com/x"},
		"dataset_sources: [x, x]":                     {"dataset.count": uint32(2), "dataset.0.name": "X", "dataset.1.name": "X"},
		"description: |\n  a\n  ---\n  b":             {"description": "a\n---\nb\n"},
	} {
		got, notes := describe(t, map[string]string{"README.md": "---\n" + card + "\n---\n# Model\n"}, nil, Options{})
		require.Equal(t, want, got, card)
		require.Empty(t, notes)
	}
	for readme, want := range map[string]kv{
		"---\r\nlicense: mit\r\n---\r\n": {"license": "mit"},
		"---\nlicense: mit":              {"license": "mit"},
		"\n---\nlicense: mit\n---\n":     {},
		"----\nlicense: mit\n----\n":     {},
		"---":                            {},
		"---\n---\nlicense: mit\n":       {},
	} {
		got, notes := describe(t, map[string]string{"README.md": readme}, nil, Options{})
		require.Equal(t, want, got, readme)
		require.Empty(t, notes)
	}
	_, notes := describe(t, map[string]string{"README.md": "---\nlicense: [mit\nx: }\n---\n"}, nil, Options{})
	require.Len(t, notes, 1)
	require.Contains(t, notes[0], "README.md: the front matter is not valid YAML")
}

// Mappings that merge each other many times over take no time.
func TestManyMerges(t *testing.T) {
	card := "---\na0: &a0 {license: mit}\n"
	for i := 1; i < 12; i++ {
		card += fmt.Sprintf("a%d: &a%d {<<: [%s]}\n", i, i, strings.Join(slices.Repeat([]string{fmt.Sprintf("*a%d", i-1)}, 40), ", "))
	}
	got, _ := describe(t, map[string]string{"README.md": card + "<<: *a11\n---\n"}, nil, Options{})
	require.Equal(t, kv{"license": "mit"}, got)
}

// An id counts where it is there, though it be empty.
func TestNameOrPath(t *testing.T) {
	for id, want := range map[any]kv{
		"org/My-Model-7B": {"name": "My Model 7B", "organization": "Org", "basename": "My-Model", "size_label": "7B"},
		"/home/u/model":   {"name": nil},
		"":                {"name": ""},
		"./":              {"name": ""},
		nil:               {"name": nil},
		3.0:               {"name": nil},
	} {
		got, _ := describe(t, nil, map[string]any{"_name_or_path": id}, Options{})
		if want["name"] == nil {
			delete(want, "name") // the folder's
		}
		if want["name"] == "" {
			delete(want, "name")
			dir := t.TempDir()
			kvs, _, err := Metadata(dir, map[string]any{"_name_or_path": id}, Options{})
			require.NoError(t, err)
			for _, e := range kvs {
				require.NotEqual(t, "general.name", e.Key, id)
			}
		}
		require.Equal(t, want, got, id)
	}
}

func TestGenerationConfig(t *testing.T) {
	for text, want := range map[string]kv{
		`{"top_k": 20, "top_p": 1, "min_p": 0.5, "temperature": 0.5, "repetition_penalty": 1.5}`: {"top_k": int32(20), "top_p": float32(1),
			"min_p": float32(0.5), "temp": float32(0.5), "penalty_repeat": float32(1.5)},
		`{"sequence": "k;p", "xtc_probability": 0.5, "xtc_threshold": 0.25, "penalty_last_n": 64}`: {"sequence": "k;p",
			"xtc_probability": float32(0.5), "xtc_threshold": float32(0.25), "penalty_last_n": int32(64)},
		`{"mirostat": 2, "mirostat_tau": 5, "mirostat_eta": 0.5}`: {"mirostat": int32(2), "mirostat_tau": float32(5), "mirostat_eta": float32(0.5)},
		`{"penalty_repeat": 1.5, "repetition_penalty": 2}`:        {"penalty_repeat": float32(1.5)},
		`{"top_k": null, "top_p": null, "do_sample": true}`:       {},
		`{"top_k": true, "temperature": Infinity}`:                {"top_k": int32(1), "temp": float32(math.Inf(1))},
	} {
		got, notes := describe(t, map[string]string{"generation_config.json": text}, nil, Options{})
		all := kv{}
		for k, v := range want {
			all["sampling."+k] = v
		}
		require.Equal(t, all, got, text)
		require.Empty(t, notes)
	}
	for text, want := range map[string]string{
		`{`:                          "generation_config.json is ignored",
		`{"top_k": 1e300}`:           "top_k is ignored: expected a whole number (got 1e+300)",
		`{"top_k": 2.5}`:             "expected a whole number (got 2.5)",
		`{"temperature": "0.7\n"}`:   `temperature is ignored: expected a number (got "0.7\n")`,
		`{"temperature": 1e300}`:     "expected a number",
		`{"sequence": {"a": [NaN]}}`: "sequence is ignored: expected a string",
	} {
		got, notes := describe(t, map[string]string{"generation_config.json": text}, nil, Options{})
		require.Empty(t, got)
		require.Len(t, notes, 1)
		require.Contains(t, notes[0], want)
	}
}

// The user's words count more than the files'.
func TestOverride(t *testing.T) {
	files := map[string]string{
		"README.md":              "---\nname: card\nbase_model: a/b\ntags: [x]\n---\n",
		"generation_config.json": `{"top_k": 20, "top_p": 0.5}`,
		"m.json": `{"general.name": "file", "general.description": "d", "general.tags": [], "general.base_models": [{"name": "B", "url": "u"}],
			"general.datasets": [], "general.sampling.top_k": 4}`,
	}
	got, _ := describe(t, files, nil, Options{MetadataFile: "m.json", ModelName: "flag"})
	require.Equal(t, kv{"name": "flag", "description": "d", "base_model.count": uint32(1), "base_model.0.name": "B", "base_model.0.url": "u",
		"dataset.count": uint32(0), "sampling.top_k": int32(4), "sampling.top_p": float32(0.5)}, got)
	for i, bad := range []string{`[]`, `{"name": "x"}`, `{"general.x": "x"}`, `{"general.name": 3}`, `{"general.tags": [3]}`, `{"general.base_models": ["x"]}`,
		`{"general.base_models": [{"x": "y"}]}`, `{"general.sampling.top_k": 0.5}`, `{"general.sampling.x": 1}`} {
		file := filepath.Join(t.TempDir(), fmt.Sprint(i))
		require.NoError(t, os.WriteFile(file, []byte(bad), 0o600))
		_, _, err := Metadata(t.TempDir(), nil, Options{MetadataFile: file})
		require.ErrorContains(t, err, file, bad)
	}
}
