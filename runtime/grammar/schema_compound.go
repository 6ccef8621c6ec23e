package grammar

import (
	"cmp"
	"fmt"
)

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
