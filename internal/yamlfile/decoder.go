// Package yamlfile reads small YAML files that people write, strictly: every key is known and stands once, every value is
// checked, and errors say the file, the line, the key, what was found and what is expected.
//
// [Parse] gives the root of the one document that a file has. A [Decoder] makes a [Field] for each key, a function that
// reads the key's value; [Decoder.Fields] reads a mapping by a table of them.
package yamlfile

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/carat-llm/carat/internal/suggest"
	"go.yaml.in/yaml/v4"
)

// ErrEmpty says that a file has no document.
var ErrEmpty = errors.New("the file is empty")

// Parse reads the one document of a YAML or JSON file.
func Parse(b []byte) (root *yaml.Node, err error) {
	var doc, more yaml.Node
	y := yaml.NewDecoder(bytes.NewReader(b))
	if err := y.Decode(&doc); err != nil && err != io.EOF {
		return nil, fmt.Errorf("not YAML or JSON: %w", err)
	}
	if len(doc.Content) != 1 {
		return nil, ErrEmpty
	}
	if err := y.Decode(&more); err != io.EOF {
		return nil, errors.New("more than one YAML document")
	}
	return doc.Content[0], nil
}

// Decoder reads YAML nodes and words errors.
type Decoder struct {
	File string // for messages
	What string // what the whole file is: "the policy"
	Err  error  // that all errors wrap; nil for none
}

// Errorf is an error at a node: "p.yaml: line 3: gates[0].value: found ..., expected ...".
func (d *Decoder) Errorf(n *yaml.Node, key, format string, args ...any) error {
	err := fmt.Errorf("%s: line %d: %s: %w", d.File, n.Line, key, fmt.Errorf(format, args...))
	if d.Err != nil {
		err = fmt.Errorf("%w: %w", d.Err, err)
	}
	return err
}

// Found describes a node for messages.
func Found(n *yaml.Node) string {
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
		return "found an alias (*), which is not read here"
	}
	return "found nothing"
}

// Field reads the value of one key.
type Field func(n *yaml.Node, key string) error

// Fields reads a mapping whose keys are all known and stand once. key is "" for the whole file.
func (d *Decoder) Fields(n *yaml.Node, key string, known map[string]Field) error {
	name := key
	if name == "" {
		name = d.What
	}
	if n.Kind != yaml.MappingNode {
		return d.Errorf(n, name, "%s, expected lines of KEY: VALUE", Found(n))
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		read, ok := known[k.Value]
		if k.Kind != yaml.ScalarNode || !ok {
			keys := slices.Sorted(maps.Keys(known))
			return d.Errorf(k, name, "unknown key: %s, expected one of %s%s", Found(k), strings.Join(keys, ", "), suggest.DidYouMean(k.Value, keys))
		}
		path := strings.TrimPrefix(key+"."+k.Value, ".")
		if first, twice := lines[k.Value]; twice {
			return d.Errorf(k, path, "appears twice, first in line %d", first)
		}
		lines[k.Value] = k.Line
		if err := read(v, path); err != nil {
			return err
		}
	}
	return nil
}

// Pairs reads a mapping with names of the user's.
func (d *Decoder) Pairs(do func(k, v *yaml.Node, key string) error) Field {
	return func(n *yaml.Node, key string) error {
		if n.Kind != yaml.MappingNode {
			return d.Errorf(n, key, "%s, expected lines of NAME: VALUE", Found(n))
		}
		lines := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			if k.Kind != yaml.ScalarNode || k.Value == "" {
				return d.Errorf(k, key, "%s, expected a name", Found(k))
			}
			if first, twice := lines[k.Value]; twice {
				return d.Errorf(k, key+"."+k.Value, "appears twice, first in line %d", first)
			}
			lines[k.Value] = k.Line
			if err := do(k, v, key+"."+k.Value); err != nil {
				return err
			}
		}
		return nil
	}
}

// List reads the items of a list.
func (d *Decoder) List(do Field) Field {
	return func(n *yaml.Node, key string) error {
		if n.Kind != yaml.SequenceNode {
			return d.Errorf(n, key, "%s, expected a list", Found(n))
		}
		for i, item := range n.Content {
			if err := do(item, fmt.Sprintf("%s[%d]", key, i)); err != nil {
				return err
			}
		}
		return nil
	}
}

// Text reads what is not empty.
func (d *Decoder) Text(out *string) Field {
	return d.Parsed("a text", func(s string) bool { *out = s; return s != "" })
}

// Parsed reads a scalar with a function that says whether it is what is expected.
func (d *Decoder) Parsed(expected string, parse func(s string) bool) Field {
	return func(n *yaml.Node, key string) error {
		if n.Kind != yaml.ScalarNode || n.Tag == "!!null" || !parse(n.Value) {
			return d.Errorf(n, key, "%s, expected %s", Found(n), expected)
		}
		return nil
	}
}

// OneOf reads one of the words.
func (d *Decoder) OneOf(out *string, words ...string) Field {
	return d.Parsed("one of "+strings.Join(words, ", "), func(s string) bool { *out = s; return slices.Contains(words, s) })
}

// Count reads a whole number from low to high.
func (d *Decoder) Count(out *int64, low, high int64) Field {
	return d.Parsed(fmt.Sprintf("a whole number between %d and %d", low, high), func(s string) bool {
		v, err := strconv.ParseInt(strings.ReplaceAll(s, "_", ""), 10, 64)
		*out = v
		return err == nil && low <= v && v <= high
	})
}

// Number reads a finite number that holds, which expected describes.
func (d *Decoder) Number(out *float64, expected string, holds func(v float64) bool) Field {
	return d.Parsed(expected, func(s string) bool {
		v, err := strconv.ParseFloat(s, 64)
		*out = v
		return err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) && holds(v)
	})
}

// Bool reads true or false.
func (d *Decoder) Bool(out *bool) Field {
	return d.Parsed("true or false", func(s string) bool { *out = s == "true"; return s == "true" || s == "false" })
}

// SHA256 reads 64 hexadecimal digits, behind "sha256:" or not.
func (d *Decoder) SHA256(out *string) Field {
	return d.Parsed("a SHA-256 of 64 hexadecimal digits", func(s string) bool {
		*out = strings.ToLower(strings.TrimPrefix(s, "sha256:"))
		return IsSHA256(*out)
	})
}

// Date reads a day.
func (d *Decoder) Date(out *string) Field {
	return d.Parsed("a date such as 2026-12-31", func(s string) bool {
		*out = s
		_, err := time.Parse(time.DateOnly, s)
		return err == nil
	})
}

// IsSHA256 says that s is 64 hexadecimal digits.
func IsSHA256(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 32
}
