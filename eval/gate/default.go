package gate

import (
	_ "embed"
	"strings"

	"go.yaml.in/yaml/v4"
)

//go:embed default.yaml
var defaultText string

// DefaultName is the Name of the built-in policy.
const DefaultName = "default"

// DefaultText is the built-in policy's text.
func DefaultText() string { return defaultText }

// DefaultJSON is the built-in policy as encoding/json takes it. What it gives is a policy as well.
func DefaultJSON() (map[string]any, error) {
	var policy map[string]any
	err := yaml.Unmarshal([]byte(defaultText), &policy)
	return policy, err
}

// Default is the built-in policy.
func Default() *Policy {
	p, err := Parse(DefaultName, strings.NewReader(defaultText))
	if err != nil {
		panic(err) // a test parses it
	}
	return p
}
