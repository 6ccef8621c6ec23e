package pickle

import "fmt"

// value is what the machine computes with: nil, bool, int64, float64, string (of text or of bytes), tuple, *list, *dict,
// global, *storage or *tensor.
type value any

type tuple []value

// list is a list or a set.
type list struct{ values []value }

// dict has the entries whose keys are text; others, as those of an optimizer's state, are not kept.
type dict struct{ entries map[string]value }

func (d *dict) set(key, v value) {
	name, ok := key.(string)
	if !ok {
		return
	}
	if d.entries == nil {
		d.entries = map[string]value{}
	}
	d.entries[name] = v
}

// kind says for errors what a value is.
func kind(v value) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		return "a truth value"
	case int64, float64:
		return "a number"
	case string:
		return "a text"
	case tuple:
		return fmt.Sprintf("a tuple of %d values", len(v))
	case *list:
		return "a list"
	case *dict:
		return "a dictionary"
	case global:
		return string(v)
	case *storage:
		return "a storage"
	}
	return "a tensor"
}
