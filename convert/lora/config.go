package lora

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
)

// ConfigFile and WeightsFile are the files of an adapter. PickleFile is what older ones have in place of the latter.
const (
	ConfigFile  = "adapter_config.json"
	WeightsFile = "adapter_model.safetensors"
	PickleFile  = "adapter_model.bin"
)

// config is adapter_config.json, with the defaults of PEFT's LoraConfig.
type config struct {
	path string

	Type        string             `json:"peft_type"`
	Alpha       float64            `json:"lora_alpha"`
	RankScaled  bool               `json:"use_rslora"`
	DoRA        bool               `json:"use_dora"`
	FanInFanOut bool               `json:"fan_in_fan_out"`
	Alphas      map[string]float64 `json:"alpha_pattern"`
	Init        any                `json:"init_lora_weights"`
}

// starts are values of init_lora_weights with which training begins by changing the base model's weights: what is saved then fits those
// only. PEFT writes true in their place when it saves an adapter for the weights as they were.
var starts = []string{"pissa", "corda", "olora", "loftq"}

func readConfig(dir string) (*config, error) {
	c := &config{path: filepath.Join(dir, ConfigFile), Alpha: 8}
	b, err := inputfile.ReadText(c.path, inputfile.MaxConfig)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s: missing file: an adapter's folder has it", gguf.ErrInput, c.path)
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, c); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", gguf.ErrInput, c.path, err)
	}
	if c.Type != "LORA" {
		return nil, fmt.Errorf("%w: %s: peft_type is %q: only LORA is supported", gguf.ErrInput, c.path, c.Type)
	}
	if !(c.Alpha > 0) || math.IsInf(c.Alpha, 0) {
		return nil, fmt.Errorf("%w: %s: lora_alpha is %v, expected a number above 0", gguf.ErrInput, c.path, c.Alpha)
	}
	for _, start := range starts {
		if how, _ := c.Init.(string); strings.HasPrefix(how, start) {
			return nil, fmt.Errorf("%w: %s: init_lora_weights is %q: the adapter is for weights that were changed before the training; save it with path_initial_model_for_weight_conversion",
				gguf.ErrInput, c.path, how)
		}
	}
	return c, nil
}

// scale is what the product of a module's matrices of that rank is multiplied with.
func (c *config) scale(name string, rank int64) (float64, error) {
	alpha, by := c.Alpha, ""
	for pattern, a := range c.Alphas {
		whole, err := regexp.Compile(`^(?:.*\.)?(?:` + pattern + `)$`)
		if err != nil {
			return 0, fmt.Errorf("%w: %s: alpha_pattern: %w", gguf.ErrInput, c.path, err)
		}
		if !whole.MatchString(name) {
			continue
		}
		if by != "" && a != alpha {
			return 0, fmt.Errorf("%w: %s: alpha_pattern: %q and %q both match %s, with %v and %v", gguf.ErrInput, c.path, by, pattern, name, alpha, a)
		}
		alpha, by = a, pattern
	}
	if c.RankScaled {
		return alpha / math.Sqrt(float64(rank)), nil
	}
	return alpha / float64(rank), nil
}
