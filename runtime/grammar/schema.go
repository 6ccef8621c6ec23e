package grammar

import (
	"bytes"
	"cmp"
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

// member is one of an object of JSON, in its order.
type member struct {
	name  string
	value any
}

type object []member

func (o object) get(name string) (any, bool) {
	for _, m := range o {
		if m.name == name {
			return m.value, true
		}
	}
	return nil, false
}

// readValue reads JSON: objects become object, numbers json.Number.
func readValue(d *json.Decoder, depth int) (any, error) {
	if depth > maxNesting {
		return nil, bad("it is nested more than %d deep", maxNesting)
	}
	token, err := d.Token()
	if err != nil {
		return nil, bad("%v", err)
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := readValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		token = nil
		if err != nil {
			return nil, bad("%v", err)
		}
		return list, nil
	case json.Delim('{'):
		o := object{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, bad("%v", err)
			}
			v, err := readValue(d, depth+1)
			if err != nil {
				return nil, err
			}
			if _, ok := o.get(name.(string)); ok {
				return nil, bad("%q is there twice", name)
			}
			o = append(o, member{name.(string), v})
		}
		if _, err := d.Token(); err != nil {
			return nil, bad("%v", err)
		}
		return o, nil
	}
	return token, nil
}

// Keywords that say nothing about what values are allowed, or that stand beside those that do.
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

func (s *schemas) array(o object, at string, depth int) (string, error) {
	lo, hi, err := s.between(o, "minItems", "maxItems", at)
	if err != nil {
		return "", err
	}
	s.use("ws")
	var first []string
	prefix, _ := o.get("prefixItems")
	list, _ := prefix.([]any)
	for i, v := range list {
		body, err := s.value(v, fmt.Sprintf("%s/prefixItems/%d", at, i), depth+1)
		if err != nil {
			return "", err
		}
		first = append(first, s.fresh(body))
	}
	item, ok := o.get("items")
	if !ok {
		item = true
		if len(first) > 0 {
			item = false
		}
	}
	if item == false {
		if hi < 0 || hi > len(first) {
			hi = len(first)
		}
		if lo > hi {
			return "", s.fail(at, "minItems is %d, but there are %d prefixItems and no items", lo, hi)
		}
	}
	body := ""
	if hi != 0 && item != false {
		if body, err = s.value(item, at+"/items", depth+1); err != nil {
			return "", err
		}
		body = s.fresh(body)
	}
	if len(first) == 0 {
		if body == "" {
			return `"[" ws "]"`, nil
		}
		inner := body + " " + times(`(ws "," ws `+body+")", max(0, lo-1), max(-1, hi-1))
		if lo == 0 {
			inner = "(" + inner + ")?"
		}
		return `"[" ws ` + inner + ` ws "]"`, nil
	}
	// From the last to the first: what follows an item.
	tail := ""
	if body != "" && (hi < 0 || hi > len(first)) {
		tail = times(`(ws "," ws `+body+")", max(0, lo-len(first)), max(-1, hi-len(first)))
	}
	for i := len(first) - 1; i >= 0; i-- {
		if hi >= 0 && i >= hi {
			continue
		}
		one := first[i] + " " + tail
		if i > 0 {
			one = `ws "," ws ` + one
		}
		if i >= lo {
			one = "(" + one + ")?"
		}
		tail = s.fresh(one)
	}
	return `"[" ws ` + tail + ` ws "]"`, nil
}

// object has its members in the order of the schema: for each place a rule for what follows when something came before it, and one
// for when nothing did.
func (s *schemas) object(o object, at string, depth int) (string, error) {
	properties, ok := o.get("properties")
	members, isObject := properties.(object)
	if ok && !isObject {
		return "", s.fail(at+"/properties", "expected an object")
	}
	required := map[string]bool{}
	list, ok := o.get("required")
	names, isList := list.([]any)
	if ok && !isList {
		return "", s.fail(at+"/required", "expected a list of names")
	}
	for _, n := range names {
		name, isName := n.(string)
		if !isName {
			return "", s.fail(at+"/required", "expected a list of names")
		}
		required[name] = true
		if _, ok := members.get(name); !ok {
			return "", s.fail(at+"/required", "%q is not among the properties", name)
		}
	}
	others, ok := o.get("additionalProperties")
	if !ok {
		others = len(members) == 0
	}
	s.use("ws")
	if len(members) == 0 && others == true {
		return s.use("object"), nil
	}
	first, next := "", ""
	if others != false {
		body, err := s.value(others, at+"/additionalProperties", depth+1)
		if err != nil {
			return "", err
		}
		pair := s.fresh(`"\"" ` + s.otherKeys(members) + ` ws ":" ws ` + s.fresh(body))
		next = s.fresh(`(ws "," ws ` + pair + ")*")
		first = s.fresh("(" + pair + " " + next + ")?")
	}
	for i := len(members) - 1; i >= 0; i-- {
		m := members[i]
		body, err := s.value(m.value, at+"/properties/"+m.name, depth+1)
		if err != nil {
			return "", err
		}
		pair := s.fresh(literal(compact(m.name)) + ` ws ":" ws ` + s.fresh(body))
		beginning, going := pair+" "+next, `ws "," ws `+pair+" "+next
		if !required[m.name] {
			beginning += " | " + cmp.Or(first, `""`)
			going += " | " + cmp.Or(next, `""`)
		}
		first, next = s.fresh(beginning), s.fresh(going)
	}
	return `"{" ws ` + first + ` ws "}"`, nil
}

// otherKeys is the rest of a key, behind its first quote, that is none of the members' names.
func (s *schemas) otherKeys(members object) string {
	s.use("char")
	var names []string
	for _, m := range members {
		names = append(names, m.name)
	}
	return s.notAmong(names)
}

// notAmong is a text, up to its quote, that is none of the names. Within what a name begins with there are no escapes, which could
// write it otherwise.
func (s *schemas) notAmong(names []string) string {
	if len(names) == 0 {
		return s.fresh(`char* "\""`)
	}
	follow := map[rune][]string{}
	ends := false
	var order []rune
	for _, n := range names {
		if n == "" {
			ends = true
			continue
		}
		r := []rune(n)
		if _, ok := follow[r[0]]; !ok {
			order = append(order, r[0])
		}
		follow[r[0]] = append(follow[r[0]], string(r[1:]))
	}
	class := `[^"\\\x00-\x1f\x7f`
	var out []string
	for _, r := range order {
		class += escape(r)
		text := compact(string(r))
		out = append(out, literal(text[1:len(text)-1])+" "+s.notAmong(follow[r]))
	}
	if !ends {
		out = append(out, `"\""`)
	}
	out = append(out, class+`] char* "\""`)
	return s.fresh(either(out))
}

// integer has bounds by digits.
func (s *schemas) integer(o object, at string) (string, error) {
	bound := func(name string) (*int64, error) {
		v, ok := o.get(name)
		if !ok {
			return nil, nil
		}
		number, _ := v.(json.Number)
		n, err := strconv.ParseInt(number.String(), 10, 64)
		if err != nil || n > 1e15 || n < -1e15 {
			return nil, s.fail(at+"/"+name, "expected a whole number up to 10^15")
		}
		return &n, nil
	}
	lo, err := bound("minimum")
	if err != nil {
		return "", err
	}
	hi, err := bound("maximum")
	switch {
	case err != nil:
		return "", err
	case lo == nil && hi == nil:
		return s.use("integer"), nil
	}
	if lo == nil {
		lo = new(int64(-999_999_999_999_999))
	}
	if hi == nil {
		hi = new(int64(999_999_999_999_999))
	}
	if *lo > *hi {
		return "", s.fail(at, "maximum is less than minimum")
	}
	var out []string
	if *lo < 0 {
		out = append(out, `"-" (`+either(digits(max(1, -*hi), -*lo))+")")
	}
	if *hi >= 0 {
		out = append(out, digits(max(0, *lo), *hi)...)
	}
	return either(out), nil
}

// digits are the numbers from lo to hi, neither negative, as elements of GBNF.
func digits(lo, hi int64) (out []string) {
	if n := len(strconv.FormatInt(lo, 10)); n < len(strconv.FormatInt(hi, 10)) { // of one length
		top := int64(1)
		for range n {
			top *= 10
		}
		return append(digits(lo, top-1), digits(top, hi)...)
	}
	a, b := strconv.FormatInt(lo, 10), strconv.FormatInt(hi, 10)
	if a == b {
		return []string{literal(a)}
	}
	same := 0
	for a[same] == b[same] {
		same++
	}
	head, tail := a[:same], len(a)-same-1 // the digits behind the first that differs
	any := func(from, to byte) string {
		s := fmt.Sprintf("[%c-%c]", from, to)
		if head != "" {
			s = literal(head) + " " + s
		}
		if tail > 0 {
			s += fmt.Sprintf(" [0-9]{%d}", tail)
		}
		return s
	}
	from, to := a[same], b[same]
	var last []string
	if strings.Trim(a[same+1:], "0") != "" { // part of the lowest block
		block := head + string(from) + strings.Repeat("9", tail)
		top, _ := strconv.ParseInt(block, 10, 64)
		out = append(out, digits(lo, top)...)
		from++
	}
	if strings.Trim(b[same+1:], "9") != "" {
		block := head + string(to) + strings.Repeat("0", tail)
		low, _ := strconv.ParseInt(block, 10, 64)
		last = digits(low, hi)
		to--
	}
	if from <= to {
		out = append(out, any(from, to))
	}
	return append(out, last...)
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
