package arch

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
)

// What people give to a converter besides checkpoints that it knows. Each is told what it is.

// notACheckpoint says what a folder without config.json is.
func notACheckpoint(dir string) error {
	has := func(pattern string) bool {
		found, _ := filepath.Glob(filepath.Join(globQuote(dir), pattern))
		return len(found) > 0
	}
	missing := func(what, remedy string) error {
		err := fmt.Errorf("%w: %s: missing file%s", gguf.ErrInput, filepath.Join(dir, "config.json"), what)
		if remedy == "" {
			return err
		}
		return hint.Wrap(err, "%s", remedy)
	}
	switch {
	case has("adapter_config.json"):
		return missing(": the folder holds an adapter (LoRA), not a model", "carat convert MODEL --lora "+dir+" merges it into its base model; carat convert "+dir+" --base MODEL writes it as a GGUF adapter")
	case has("model_index.json"):
		return missing(": the folder holds a diffusers pipeline, not a language model", "")
	case has("params.json"):
		return missing(": params.json is the configuration of Meta's or Mistral's own format", "use the same model in the Hugging Face format")
	case has("*.gguf"):
		return missing(": the folder holds GGUF files, not a checkpoint", "give the GGUF file itself to carat quantize")
	case has("*/config.json"):
		return missing(": it is in a folder below", "give the folder that holds config.json")
	}
	return missing(": a checkpoint folder has one", "")
}

// globQuote makes filepath.Glob take a path as it is.
func globQuote(path string) string {
	if os.PathSeparator == '\\' {
		return path // no escapes there; a folder with [ in its name gets the plain message
	}
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// unsupported says what a class is that no family has.
func (c *Config) unsupported(class string) error {
	if len(class) > 100 {
		return fmt.Errorf("%w: %s: unsupported architecture, a name of %d characters", gguf.ErrInput, c.path, len(class))
	}
	ends := func(suffixes ...string) bool {
		return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(class, s) })
	}
	text := fmt.Sprintf("%s: unsupported architecture %q", c.path, class)
	switch {
	case ends("ForConditionalGeneration") || c.Has("vision_config") || c.Has("audio_config"):
		text += ", a multimodal or encoder-decoder model"
		if inner, _ := c.Sub("text_config").value("model_type").(string); inner != "" {
			text += fmt.Sprintf("; its text model is %q", inner)
		}
	case ends("ForSequenceClassification", "ForTokenClassification"):
		text += ", a classifier or reranker rather than a model that writes text"
	case ends("Model", "ForMaskedLM"):
		text += ", an embedding model or one without its head rather than a model that writes text"
	}
	return hint.Wrap(fmt.Errorf("%w: %s", gguf.ErrInput, text), "carat converts %s", strings.Join(Classes(), ", "))
}
