package grammar

import "encoding/json"

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
