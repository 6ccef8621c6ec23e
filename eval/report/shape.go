package report

import (
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

var textType = reflect.TypeFor[encoding.TextUnmarshaler]()

// checkShape compares decoded JSON with the Go types, so that errors have the whole path, array indices included,
// and nothing is silently dropped: fields without a place are added to unknown.
func checkShape(tree any, unknown *[]string) error {
	return shapeOf("", tree, reflect.TypeFor[Report](), unknown)
}

func shapeOf(path string, v any, t reflect.Type, unknown *[]string) error {
	if v == nil {
		if k := t.Kind(); k == reflect.Pointer || k == reflect.Slice {
			return nil
		}
		return wrong(path, "must be %s (got null)", nameOf(t))
	}
	if t.Kind() == reflect.Pointer {
		return shapeOf(path, v, t.Elem(), unknown)
	}
	mismatch := wrong(path, "must be %s (got %s)", nameOf(t), kindOf(v))
	switch {
	case reflect.PointerTo(t).Implements(textType), t.Kind() == reflect.String:
		if _, ok := v.(string); !ok {
			return mismatch
		}
	case t.Kind() == reflect.Bool:
		if _, ok := v.(bool); !ok {
			return mismatch
		}
	case t.Kind() == reflect.Slice:
		a, ok := v.([]any)
		if !ok {
			return mismatch
		}
		for i, x := range a {
			if err := shapeOf(fmt.Sprintf("%s[%d]", path, i), x, t.Elem(), unknown); err != nil {
				return err
			}
		}
	case t.Kind() == reflect.Struct:
		m, ok := v.(map[string]any)
		if !ok {
			return mismatch
		}
		known := fieldsOf(t)
		for _, name := range slices.Sorted(maps.Keys(m)) {
			at := join(path, name)
			ft, ok := known[name]
			if !ok {
				*unknown = append(*unknown, at)
				continue
			}
			if err := shapeOf(at, m[name], ft, unknown); err != nil {
				return err
			}
		}
	default: // numbers: those that do not fit are errors too
		n, ok := v.(json.Number)
		if !ok {
			return mismatch
		}
		if err := json.Unmarshal([]byte(n.String()), reflect.New(t).Interface()); err != nil {
			return wrong(path, "must be %s (got %.40s)", nameOf(t), n)
		}
	}
	return nil
}

// fieldsOf lists the JSON names of a struct, embedded ones flattened as encoding/json does.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if f.Anonymous && name == "" {
			ft := f.Type
			if ft.Kind() == reflect.Pointer {
				ft = ft.Elem()
			}
			maps.Copy(out, fieldsOf(ft))
			continue
		}
		out[name] = f.Type
	}
	return out
}

func join(path, name string) string {
	if name == "" || strings.ContainsAny(name, ".[]\" \n\r\t\x1b") || len(name) > 60 {
		name = fmt.Sprintf("%.60q", name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case []any:
		return "an array"
	}
	return "an object"
}

func nameOf(t reflect.Type) string {
	if reflect.PointerTo(t).Implements(textType) {
		return "a string"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "an array"
	case reflect.Struct, reflect.Pointer:
		return "an object"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	}
	return "a number"
}
