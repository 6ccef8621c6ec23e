package gate

import (
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// decoder reads YAML nodes and words errors: file, line, key, what was found and what is expected.
type decoder struct{ file string }

func (d *decoder) errorf(n *yaml.Node, key, format string, args ...any) error {
	return fmt.Errorf("%w: %s: line %d: %s: %s", ErrPolicy, d.file, n.Line, key, fmt.Sprintf(format, args...))
}

// found describes a node for messages.
func found(n *yaml.Node) string {
	switch n.Kind {
	case yaml.ScalarNode:
		s := n.Value
		if len(s) > 60 {
			s = s[:60] + "..."
		}
		return fmt.Sprintf("found %q", s)
	case yaml.MappingNode:
		return "found a mapping"
	case yaml.SequenceNode:
		return "found a list"
	case yaml.AliasNode:
		return "found an alias (*), which policies do not have"
	}
	return "found nothing"
}

// field reads the value of one key.
type field func(n *yaml.Node, key string) error

// fields reads a mapping whose keys are all known and stand once. key is "" for the whole file.
func (d *decoder) fields(n *yaml.Node, key string, known map[string]field) error {
	name := key
	if name == "" {
		name = "the policy"
	}
	if n.Kind != yaml.MappingNode {
		return d.errorf(n, name, "%s, expected lines of KEY: VALUE", found(n))
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		read, ok := known[k.Value]
		if k.Kind != yaml.ScalarNode || !ok {
			return d.errorf(k, name, "unknown key: %s, expected one of %s", found(k), strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		path := strings.TrimPrefix(key+"."+k.Value, ".")
		if first, twice := lines[k.Value]; twice {
			return d.errorf(k, path, "appears twice, first in line %d", first)
		}
		lines[k.Value] = k.Line
		if err := read(v, path); err != nil {
			return err
		}
	}
	return nil
}

// pairs reads a mapping with names of the user's.
func (d *decoder) pairs(do func(k, v *yaml.Node, key string) error) field {
	return func(n *yaml.Node, key string) error {
		if n.Kind != yaml.MappingNode {
			return d.errorf(n, key, "%s, expected lines of NAME: VALUE", found(n))
		}
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			if k.Kind != yaml.ScalarNode || k.Value == "" || seen[k.Value] {
				return d.errorf(k, key, "%s, expected distinct names", found(k))
			}
			seen[k.Value] = true
			if err := do(k, v, key+"."+k.Value); err != nil {
				return err
			}
		}
		return nil
	}
}

// list reads the items of a list.
func (d *decoder) list(do field) field {
	return func(n *yaml.Node, key string) error {
		if n.Kind != yaml.SequenceNode {
			return d.errorf(n, key, "%s, expected a list", found(n))
		}
		for i, item := range n.Content {
			if err := do(item, fmt.Sprintf("%s[%d]", key, i)); err != nil {
				return err
			}
		}
		return nil
	}
}

func (d *decoder) text(out *string) field {
	return d.parsed("a text", func(s string) bool { *out = s; return s != "" })
}

// parsed reads a scalar with a function that says whether it is what is expected.
func (d *decoder) parsed(expected string, parse func(s string) bool) field {
	return func(n *yaml.Node, key string) error {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || !parse(n.Value) {
			return d.errorf(n, key, "%s, expected %s", found(n), expected)
		}
		return nil
	}
}

func (d *decoder) oneOf(out *string, words ...string) field {
	return d.parsed("one of "+strings.Join(words, ", "), func(s string) bool { *out = s; return slices.Contains(words, s) })
}

// count reads a number of tokens or bytes from min up.
func (d *decoder) count(out *int64, low, high int64) field {
	return d.parsed(fmt.Sprintf("a whole number between %d and %d", low, high), func(s string) bool {
		v, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 64)
		*out = v
		return err == nil && low <= v && v <= high
	})
}

// tokens reads a number of tokens, at least low.
func (d *decoder) tokens(out *int, low int64) field {
	return func(n *yaml.Node, key string) error {
		var v int64
		err := d.count(&v, low, maxTokens)(n, key)
		*out = int(v)
		return err
	}
}

// number reads a finite number that holds, which expected describes.
func (d *decoder) number(out *float64, expected string, holds func(v float64) bool) field {
	return d.parsed(expected, func(s string) bool {
		v, err := strconv.ParseFloat(s, 64)
		*out = v
		return err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) && holds(v)
	})
}

func (d *decoder) yes(out *bool) field {
	return d.parsed("true or false", func(s string) bool { *out = s == "true"; return s == "true" || s == "false" })
}

func (d *decoder) sha256(out *string) field {
	return d.parsed("a SHA-256 of 64 hexadecimal digits", func(s string) bool {
		*out = strings.ToLower(strings.TrimPrefix(s, "sha256:"))
		return isSHA256(*out)
	})
}

func (d *decoder) date(out *string) field {
	return d.parsed("a date such as 2026-12-31", func(s string) bool {
		*out = s
		_, err := time.Parse(time.DateOnly, s)
		return err == nil
	})
}

func isSHA256(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32
}
