package gate

import (
	_ "embed"
	"strings"
)

//go:embed default.yaml
var defaultText string

// DefaultName is the Name of the built-in policy.
const DefaultName = "default"

// DefaultText is the built-in policy's text.
func DefaultText() string { return defaultText }

// Default is the built-in policy.
func Default() *Policy {
	p, err := Parse(DefaultName, strings.NewReader(defaultText))
	if err != nil {
		panic(err) // a test parses it
	}
	return p
}
