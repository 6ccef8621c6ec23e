package convert

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert/lora"
	"github.com/carat-llm/carat/convert/pickle"
	"github.com/carat-llm/carat/convert/safetensors"
)

// sideFiles are what a conversion may read of a folder besides weights.
var sideFiles = []string{
	"README.md", "adapter_config.json", "added_tokens.json", "chat_template.jinja", "chat_template.json", "config.json", "generation_config.json",
	"hf_quant_config.json", "merges.txt", "model.safetensors.index.json", "modules.json", "preprocessor_config.json", pickle.Index, "quant_config.json",
	"quantize_config.json", "qwen.tiktoken", "sentence_bert_config.json", "sentencepiece.bpe.model", "special_tokens_map.json", "spiece.model", "tekken.json", "tiktoken.model", "tokenizer.json", "tokenizer.model",
	"tokenizer_config.json", "vocab.json", "vocab.txt",
}

// sidePatterns are those that are read from folders within it.
var sidePatterns = []string{"*_Pooling/config.json", "*_Dense/config.json", "additional_chat_templates/*.jinja"}

// Paths lists the files of the folder that the model is made of, sorted.
func (m *Model) Paths() []string {
	var paths []string
	for _, name := range sideFiles {
		if st, err := os.Stat(filepath.Join(m.dir, name)); err == nil && st.Mode().IsRegular() {
			paths = append(paths, filepath.Join(m.dir, name))
		}
	}
	for _, pattern := range sidePatterns {
		found, _ := fs.Glob(os.DirFS(m.dir), pattern) // the patterns are well formed
		for _, name := range found {
			paths = append(paths, filepath.Join(m.dir, filepath.FromSlash(name)))
		}
	}
	for _, f := range append([]*safetensors.Files{m.files}, m.dense...) {
		for _, t := range f.Tensors() {
			paths = append(paths, filepath.Join(m.dir, t.File))
		}
	}
	for _, a := range m.adapters {
		paths = append(paths, a.Paths()...)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// ReadsBeside reports whether a file of that name, with slashes, may be read of a checkpoint folder besides its weights.
func ReadsBeside(name string) bool {
	if slices.Contains(sideFiles, name) {
		return !strings.HasSuffix(name, ".index.json") // that is about weights
	}
	return slices.ContainsFunc(append(sidePatterns[:len(sidePatterns):len(sidePatterns)], "*_Dense/model.safetensors"), func(pattern string) bool {
		ok, _ := path.Match(pattern, name) // the patterns are well formed
		return ok
	})
}

// Reads reports whether a file of that name in a checkpoint folder is an input of its conversion.
func Reads(name string) bool {
	return slices.Contains(sideFiles, name) || filepath.Ext(name) == ".safetensors" || pickle.Match(name) || name == lora.PickleFile
}
