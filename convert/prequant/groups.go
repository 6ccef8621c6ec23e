package prequant

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// block is the sizes of the blocks of a module's weight that share a scale, in its last dimensions; nil where the shape of
// the scales alone says it.
func (c *Config) block(module string) ([]int64, error) {
	if size, err := c.sizes(c.values, "weight_block_size"); size != nil || err != nil {
		return size, err
	}
	weights, err := c.group(module)
	if weights == nil || err != nil {
		return nil, err
	}
	if size, err := c.sizes(weights, "block_structure"); size != nil || err != nil {
		return size, err
	}
	switch weights["strategy"] {
	case "group":
		n, err := c.whole(weights, "group_size", 1, 0)
		return []int64{1, n}, err
	case "block":
		return nil, fmt.Errorf("%w: %s: %s: the strategy is block, but there is no block_structure", gguf.ErrInput, c.path, c.where)
	}
	return nil, nil
}

// group is what config_groups of compressed-tensors say of a module's weights: the group that names the module, or one for
// all modules of its class. nil if there are no groups.
func (c *Config) group(module string) (map[string]any, error) {
	groups, _ := c.values["config_groups"].(map[string]any)
	var ofClass map[string]any
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		g, _ := groups[name].(map[string]any)
		weights, _ := g["weights"].(map[string]any)
		targets, _ := g["targets"].([]any)
		if weights == nil {
			continue
		}
		if len(groups) == 1 {
			return weights, nil
		}
		for _, x := range targets {
			target, _ := x.(string)
			named, err := names(target, module)
			if err != nil {
				return nil, fmt.Errorf("%w: %s: %s: config_groups.%s.targets: %w", gguf.ErrInput, c.path, c.where, name, err)
			}
			if named {
				return weights, nil
			}
			if target == "Linear" && ofClass == nil {
				ofClass = weights
			}
		}
	}
	if len(groups) > 0 && ofClass == nil {
		return nil, fmt.Errorf("%w: %s: %s: none of the %d config_groups is for %s", gguf.ErrInput, c.path, c.where, len(groups), module)
	}
	return ofClass, nil
}

// names reports whether a target names a module: whole, or by a pattern that begins where the name does.
func names(target, module string) (bool, error) {
	pattern, ok := strings.CutPrefix(target, "re:")
	if !ok {
		return target == module, nil
	}
	re, err := regexp.Compile("^(?:" + pattern + ")")
	if err != nil {
		return false, err
	}
	return re.MatchString(module), nil
}
