package verify

import (
	"errors"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// hyperparameters asks whether m could be loaded. It reports whether the answer covers the metadata and shapes of this
// model, so that the rules that hold for every architecture say nothing new.
func (c *metadataChecker) hyperparameters(m gguf.Model, loads func(gguf.Model) error) bool {
	if loads == nil {
		return false
	}
	err := loads(m)
	switch {
	case err == nil:
		return true
	case errors.Is(err, gguf.ErrUnsupported):
		c.notes = append(c.notes, "carat does not evaluate this model: "+strings.Replace(err.Error(), gguf.ErrUnsupported.Error()+": ", "", 1))
		return false
	}
	c.failOnce(err)
	return true
}

// fault is an error's text without the words that say that the input is at fault: findings say that already.
func fault(err error) string {
	return strings.ReplaceAll(err.Error(), gguf.ErrInput.Error()+": ", "")
}
