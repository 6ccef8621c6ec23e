package jinja

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// listFilters are the filters of lists and dicts.
var listFilters = map[string]func(r *run, v any, a arguments) any{
	"attr": func(r *run, v any, a arguments) any { return r.attribute(v, a.string(r, 0, "name", "")) },
	"batch": func(r *run, v any, a arguments) any {
		items, n := r.items(v), a.integer(0, "linecount", 0)
		if n <= 0 {
			fail("batch: %d items of a batch", n)
		}
		out := r.list(len(items)/n + 1)
		for len(items) > 0 {
			k, size := min(n, len(items)), n
			fill, _ := a.get(1, "fill_with")
			if fill == nil {
				size = k
			}
			l := r.list(times(1, int64(size)))
			l.Items = append(l.Items, items[:k]...)
			for len(l.Items) < size {
				l.Items = append(l.Items, fill)
			}
			out.Items, items = append(out.Items, l), items[k:]
		}
		return out
	},
	"count":    length,
	"length":   length,
	"dictsort": dictSort,
	"first": func(r *run, v any, _ arguments) any {
		if items := r.items(v); len(items) > 0 {
			return items[0]
		}
		return undefined("the first item of none")
	},
	"last": func(r *run, v any, _ arguments) any {
		if items := r.items(v); len(items) > 0 {
			return items[len(items)-1]
		}
		return undefined("the last item of none")
	},
	"items": func(r *run, v any, _ arguments) any {
		switch v := v.(type) {
		case undefined:
			return &List{}
		case *Dict:
			return r.pairs(v)
		}
		fail("items: %s is no dict", kind(v))
		return nil
	},
	"join": func(r *run, v any, a arguments) any {
		items := r.items(v)
		if path, ok := a.get(1, "attribute"); ok && path != nil {
			items = r.each(items, func(item any) any { return r.path(item, path) })
		}
		return r.joined(items, a.string(r, 0, "d", ""), false)
	},
	"list": func(r *run, v any, _ arguments) any {
		items := r.items(v)
		l := r.list(len(items))
		l.Items = append(l.Items, items...)
		return l
	},
	"map": func(r *run, v any, a arguments) any {
		items := r.items(v)
		if path, ok := a.get(-1, "attribute"); ok {
			otherwise, has := a.get(-1, "default")
			return &List{Items: r.each(items, func(item any) any {
				v := r.path(item, path)
				if _, ok := v.(undefined); ok && has {
					return otherwise
				}
				return v
			})}
		}
		name := r.text(a.need(0, "filter"))
		rest := arguments{a.values[1:], a.names, a.more}
		return &List{Items: r.each(items, func(item any) any { return r.filter(name, item, rest) })}
	},
	"max":        func(r *run, v any, a arguments) any { return r.extreme(v, a, 1) },
	"min":        func(r *run, v any, a arguments) any { return r.extreme(v, a, -1) },
	"reject":     func(r *run, v any, a arguments) any { return r.chosen(v, a, false, false) },
	"rejectattr": func(r *run, v any, a arguments) any { return r.chosen(v, a, true, false) },
	"select":     func(r *run, v any, a arguments) any { return r.chosen(v, a, false, true) },
	"selectattr": func(r *run, v any, a arguments) any { return r.chosen(v, a, true, true) },
	"reverse": func(r *run, v any, _ arguments) any {
		items := r.items(v)
		if _, ok := v.(string); ok {
			var out strings.Builder
			for _, c := range slices.Backward(items) {
				r.write(&out, r.text(c))
			}
			return out.String()
		}
		l := r.list(len(items))
		l.Items = append(l.Items, items...)
		slices.Reverse(l.Items)
		return l
	},
	"sort": func(r *run, v any, a arguments) any {
		path, ok := a.get(2, "attribute")
		return &List{Items: r.sorted(r.items(v), a.truth(0, "reverse"), func(item any) any {
			if ok && path != nil {
				item = r.path(item, path)
			}
			return r.folded(item, a.truth(1, "case_sensitive"))
		})}
	},
	"sum": func(r *run, v any, a arguments) any {
		path, ok := a.get(0, "attribute")
		total, has := a.get(1, "start")
		if !has {
			total = int64(0)
		}
		for _, item := range r.items(v) {
			if ok && path != nil {
				item = r.path(item, path)
			}
			total = arithmetic(r, "+", total, item)
		}
		return total
	},
	"unique": func(r *run, v any, a arguments) any {
		path, ok := a.get(1, "attribute")
		items := r.items(v)
		l, seen := r.list(len(items)), map[string]bool{}
		for _, item := range items {
			of := item
			if ok && path != nil {
				of = r.path(item, path)
			}
			key := r.repr(r.folded(of, a.truth(0, "case_sensitive")))
			if r.alloc(entryBytes); !seen[key] {
				seen[key] = true
				l.Items = append(l.Items, item)
			}
		}
		return l
	},
}

func length(r *run, v any, _ arguments) any {
	switch v := v.(type) {
	case string:
		return int64(utf8.RuneCountInString(v))
	case *List:
		return int64(len(v.Items))
	case *Dict:
		return int64(len(v.keys))
	case undefined:
		return int64(0)
	}
	fail("%s has no length", kind(v))
	return nil
}

// each maps items.
func (r *run) each(items []any, f func(item any) any) []any {
	r.alloc(headBytes + len(items)*itemBytes)
	out := make([]any, len(items))
	for i, item := range items {
		r.step(1)
		out[i] = f(item)
	}
	return out
}

// path is what an item has under names with dots between them, or a number.
func (r *run) path(v, path any) any {
	s, ok := path.(string)
	if !ok {
		return r.item(v, path)
	}
	for _, name := range strings.Split(s, ".") {
		if i, err := strconv.ParseInt(name, 10, 64); err == nil {
			v = r.item(v, i)
		} else {
			v = r.item(v, name)
		}
	}
	return v
}

// folded is a text without case, unless that counts.
func (r *run) folded(v any, sensitive bool) any {
	if s, ok := v.(string); ok && !sensitive {
		r.alloc(len(s))
		return strings.ToLower(s)
	}
	return v
}

// sorted sorts by a key; equal ones stay in order.
func (r *run) sorted(items []any, reverse bool, key func(item any) any) []any {
	keys := r.each(items, key)
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	r.alloc(8 * len(order))
	slices.SortStableFunc(order, func(i, j int) int {
		if reverse {
			i, j = j, i
		}
		return r.compare(keys[i], keys[j])
	})
	out := make([]any, len(items))
	for i, at := range order {
		out[i] = items[at]
	}
	r.alloc(itemBytes * len(out))
	return out
}

func dictSort(r *run, v any, a arguments) any {
	d, ok := v.(*Dict)
	if !ok {
		fail("dictsort: %s is no dict", kind(v))
	}
	at := 0
	switch by := a.string(r, 1, "by", "key"); by {
	case "key":
	case "value":
		at = 1
	default:
		fail("dictsort: by is key or value, not %q", by)
	}
	return &List{Items: r.sorted(r.pairs(d).Items, a.truth(2, "reverse"), func(pair any) any {
		return r.folded(pair.(*List).Items[at], a.truth(0, "case_sensitive"))
	})}
}

// extreme is the first of the greatest items, or of the least for sign -1.
func (r *run) extreme(v any, a arguments, sign int) any {
	path, ok := a.get(1, "attribute")
	var best, bestKey any = undefined("the greatest or least of none"), nil
	for i, item := range r.items(v) {
		key := item
		if ok && path != nil {
			key = r.path(item, path)
		}
		key = r.folded(key, a.truth(0, "case_sensitive"))
		if i == 0 || sign*r.compare(key, bestKey) > 0 {
			best, bestKey = item, key
		}
	}
	return best
}

// chosen are the items that pass a test, of themselves or of an attribute; or those that do not.
func (r *run) chosen(v any, a arguments, attribute, want bool) any {
	var path any
	if attribute {
		path = a.need(0, "attribute")
		a.values = a.values[1:]
	}
	name := ""
	if len(a.values) > 0 {
		name = r.text(a.values[0])
		a.values = a.values[1:]
	}
	items := r.items(v)
	l := r.list(len(items))
	for _, item := range items {
		r.step(1)
		of := item
		if attribute {
			of = r.path(item, path)
		}
		if name == "" && truth(of) == want || name != "" && r.test(name, of, a) == want {
			l.Items = append(l.Items, item)
		}
	}
	return l
}
