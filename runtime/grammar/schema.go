package grammar

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// FromSchema compiles a JSON schema: see Schema.
func FromSchema(schema []byte) (*Grammar, error) {
	text, err := Schema(schema)
	if err != nil {
		return nil, err
	}
	return Parse(text)
}

// Schema turns a JSON schema into a grammar whose texts are JSON of that schema.
//
// Known are type, enum, const, properties, required, additionalProperties, items, prefixItems, minItems, maxItems, minLength, maxLength,
// minimum and maximum of integers, anyOf, oneOf (of which one fits; it is not checked that no other does), allOf of one, and $ref to
// definitions of the schema. Titles, descriptions, formats and the like are passed over; what else would narrow the values (pattern,
// uniqueItems and so on) is refused by name. Objects have their properties in the order of the schema, and none that it does not name
// unless additionalProperties says so.
func Schema(schema []byte) (string, error) {
	if len(schema) > MaxText {
		return "", bad("schema: %d bytes are more than %d", len(schema), MaxText)
	}
	d := json.NewDecoder(bytes.NewReader(schema))
	d.UseNumber()
	root, err := readValue(d, 0)
	if err == nil && d.More() {
		err = bad("it has more than one value")
	}
	if err != nil {
		return "", fmt.Errorf("schema: %w", err)
	}
	s := &schemas{root: root, rules: map[string]string{}, refs: map[string]string{}}
	body, err := s.value(root, "#", 0)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	fmt.Fprintf(&out, "root ::= %s\n", body)
	for _, name := range s.names {
		fmt.Fprintf(&out, "%s ::= %s\n", name, s.rules[name])
	}
	return out.String(), nil
}

// schemas writes rules.
type schemas struct {
	root  any
	names []string // of rules, in order
	rules map[string]string
	refs  map[string]string // rules of what $ref names
	size  int
}

// basic are the rules that others use.
var basic = map[string][]string{
	"ws":      {`| " " | "\n" [ \t]{0,20}`},
	"char":    {`[^"\\\x00-\x1f\x7f] | "\\" (["\\/bfnrt] | "u" ([0-9a-cA-CeEfF] [0-9a-fA-F]{3} | [dD] [0-7] [0-9a-fA-F]{2}))`},
	"string":  {`"\"" char* "\""`, "char"},
	"integer": {`"-"? ("0" | [1-9] [0-9]{0,15})`},
	"number":  {`integer ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?`, "integer"},
	"boolean": {`"true" | "false"`},
	"null":    {`"null"`},
	"object":  {`"{" ws (string ws ":" ws value (ws "," ws string ws ":" ws value)*)? ws "}"`, "ws", "string", "value"},
	"array":   {`"[" ws (value (ws "," ws value)*)? ws "]"`, "ws", "value"},
	"value":   {`object | array | string | number | boolean | null`, "object", "array", "string", "number", "boolean", "null"},
}

// use is a basic rule, written when it is used first.
func (s *schemas) use(name string) string {
	if _, ok := s.rules[name]; !ok {
		s.define(name, basic[name][0])
		for _, other := range basic[name][1:] {
			s.use(other)
		}
	}
	return name
}

func (s *schemas) define(name, body string) {
	if _, ok := s.rules[name]; !ok {
		s.names = append(s.names, name)
	}
	s.rules[name] = body
}

// fresh is a new rule with that body.
func (s *schemas) fresh(body string) string {
	name := "r" + strconv.Itoa(len(s.names))
	s.define(name, body)
	return name
}

var (
	notes    = []string{"$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", "format", "nullable"}
	keywords = map[string][]string{
		"object": {"properties", "required", "additionalProperties"}, "array": {"items", "prefixItems", "minItems", "maxItems"},
		"string": {"minLength", "maxLength"}, "integer": {"minimum", "maximum"}, "number": nil, "boolean": nil, "null": nil,
	}
)

func (s *schemas) fail(at, format string, args ...any) error {
	return bad("schema: %s: %s", at, fmt.Sprintf(format, args...))
}

// value is the body of a rule for values of a schema; at is where it stands, as a JSON pointer.
func (s *schemas) value(schema any, at string, depth int) (string, error) {
	if s.size++; depth > maxNesting || s.size > maxRepeat {
		return "", s.fail(at, "the schema is too large")
	}
	o, ok := schema.(object)
	if !ok {
		if schema == true {
			return s.use("value"), nil
		}
		return "", s.fail(at, "expected an object or true")
	}
	var rest []string
	for _, m := range o {
		if !slices.Contains(notes, m.name) {
			rest = append(rest, m.name)
		}
	}
	alone := func(name string, others ...string) error {
		for _, k := range rest {
			if k != name && !slices.Contains(others, k) {
				return s.fail(at, "%q beside %q is not known", k, name)
			}
		}
		return nil
	}
	if len(rest) == 0 {
		return s.use("value"), nil
	}
	if v, ok := o.get("$ref"); ok {
		if err := alone("$ref"); err != nil {
			return "", err
		}
		return s.ref(v, at, depth)
	}
	if v, ok := o.get("const"); ok {
		if err := alone("const", "type"); err != nil {
			return "", err
		}
		return literal(compact(v)), nil
	}
	if v, ok := o.get("enum"); ok {
		list, isList := v.([]any)
		if !isList || len(list) == 0 {
			return "", s.fail(at+"/enum", "expected a list of values")
		}
		if err := alone("enum", "type"); err != nil {
			return "", err
		}
		var out []string
		for _, v := range list {
			out = append(out, literal(compact(v)))
		}
		return either(out), nil
	}
	for _, name := range []string{"anyOf", "oneOf", "allOf"} {
		v, ok := o.get(name)
		if !ok {
			continue
		}
		list, isList := v.([]any)
		switch {
		case !isList || len(list) == 0:
			return "", s.fail(at+"/"+name, "expected a list of schemas")
		case name == "allOf" && len(list) > 1:
			return "", s.fail(at+"/allOf", "more than one schema is not known")
		}
		if err := alone(name); err != nil {
			return "", err
		}
		var out []string
		for i, v := range list {
			body, err := s.value(v, fmt.Sprintf("%s/%s/%d", at, name, i), depth+1)
			if err != nil {
				return "", err
			}
			out = append(out, body)
		}
		return either(out), nil
	}
	return s.typed(o, rest, at, depth)
}

// typed is for values of one or several types.
func (s *schemas) typed(o object, rest []string, at string, depth int) (string, error) {
	var types []string
	switch v, _ := o.get("type"); v := v.(type) {
	case string:
		types = []string{v}
	case []any:
		for _, t := range v {
			name, _ := t.(string)
			types = append(types, name)
		}
	case nil: // as its keywords say
		for _, name := range []string{"object", "array", "string", "integer"} {
			if slices.ContainsFunc(rest, func(k string) bool { return slices.Contains(keywords[name], k) }) {
				types = append(types, name)
			}
		}
		if len(types) != 1 {
			return "", s.fail(at, "%q without a type is not known", rest[0])
		}
	}
	if len(types) == 0 {
		return "", s.fail(at+"/type", "expected a type or a list of types")
	}
	known := []string{"type"}
	for _, t := range types {
		if _, ok := keywords[t]; !ok {
			return "", s.fail(at+"/type", "unknown type %q", t)
		}
		known = append(known, keywords[t]...)
	}
	for _, k := range rest {
		if !slices.Contains(known, k) {
			return "", s.fail(at, "%q is not known for type %s", k, strings.Join(types, " or "))
		}
	}
	var out []string
	for _, t := range types {
		body, err := t, error(nil)
		switch t {
		case "object":
			body, err = s.object(o, at, depth)
		case "array":
			body, err = s.array(o, at, depth)
		case "string":
			body, err = s.text(o, at)
		case "integer":
			body, err = s.integer(o, at)
		default:
			s.use(t)
		}
		if err != nil {
			return "", err
		}
		out = append(out, body)
	}
	return either(out), nil
}

// ref is the rule of what a reference names.
func (s *schemas) ref(v any, at string, depth int) (string, error) {
	path, _ := v.(string)
	if name, ok := s.refs[path]; ok {
		return name, nil
	}
	target := s.root
	if path != "#" {
		tail, ok := strings.CutPrefix(path, "#/")
		if !ok {
			return "", s.fail(at+"/$ref", "%q is not in this schema (#/…)", path)
		}
		for _, part := range strings.Split(tail, "/") {
			part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
			switch t := target.(type) {
			case object:
				target, ok = t.get(part)
			case []any:
				i, err := strconv.Atoi(part)
				if ok = err == nil && i >= 0 && i < len(t); ok {
					target = t[i]
				}
			default:
				ok = false
			}
			if !ok {
				return "", s.fail(at+"/$ref", "the schema has no %q", path)
			}
		}
	}
	name := s.fresh("")
	s.refs[path] = name // it may name itself
	body, err := s.value(target, path, depth+1)
	s.rules[name] = body
	return name, err
}

// count reads a number of things; otherwise where there is none.
func (s *schemas) count(o object, name, at string, otherwise int) (int, error) {
	v, ok := o.get(name)
	if !ok {
		return otherwise, nil
	}
	number, _ := v.(json.Number)
	n, err := strconv.Atoi(number.String())
	if err != nil || n < 0 || n > maxRepeat {
		return 0, s.fail(at+"/"+name, "expected a whole number up to %d", maxRepeat)
	}
	return n, nil
}

// between reads the least and the most number of things; the most is negative where there is no limit.
func (s *schemas) between(o object, least, most, at string) (lo, hi int, err error) {
	if lo, err = s.count(o, least, at, 0); err != nil {
		return 0, 0, err
	}
	if hi, err = s.count(o, most, at, -1); err == nil && hi >= 0 && hi < lo {
		err = s.fail(at, "%s is less than %s", most, least)
	}
	return lo, hi, err
}

func times(body string, lo, hi int) string {
	switch {
	case hi < 0:
		return fmt.Sprintf("%s{%d,}", body, lo)
	case hi == 0:
		return `""`
	}
	return fmt.Sprintf("%s{%d,%d}", body, lo, hi)
}

func (s *schemas) text(o object, at string) (string, error) {
	lo, hi, err := s.between(o, "minLength", "maxLength", at)
	if lo == 0 && hi < 0 {
		return s.use("string"), err
	}
	return `"\"" ` + times(s.use("char"), lo, hi) + ` "\""`, err
}

// either is a group of alternatives.
func either(bodies []string) string {
	if len(bodies) == 1 {
		return bodies[0]
	}
	return "(" + strings.Join(bodies, " | ") + ")"
}

// literal is a text as GBNF has it.
func literal(text string) string {
	var out strings.Builder
	out.WriteByte('"')
	for _, r := range text {
		if r == '"' || r == '\\' || r < ' ' {
			out.WriteString(escape(r))
		} else {
			out.WriteRune(r)
		}
	}
	return out.String() + `"`
}

// escape is a character by its number.
func escape(r rune) string { return fmt.Sprintf(`\U%08x`, r) }

// compact is a value as JSON without spaces.
func compact(v any) string {
	switch v := v.(type) {
	case object:
		var parts []string
		for _, m := range v {
			parts = append(parts, compact(m.name)+":"+compact(m.value))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, compact(x))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	_ = e.Encode(v) // a string, a number, true, false or null
	return strings.TrimSuffix(out.String(), "\n")
}
