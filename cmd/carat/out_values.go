package main

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// valueTypeName names a metadata value's type as GGUF does: "u32", "arr[str]".
func valueTypeName(v any) string {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Slice {
		if t.Elem().Kind() == reflect.Interface {
			return "arr[arr]"
		}
		return "arr[" + kindName(t.Elem().Kind()) + "]"
	}
	return kindName(t.Kind())
}

func kindName(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "str"
	case reflect.Bool:
		return "bool"
	case reflect.Float32, reflect.Float64:
		return "f" + strings.TrimPrefix(k.String(), "float")
	}
	return strings.Replace(strings.Replace(k.String(), "uint", "u", 1), "int", "i", 1)
}

// jsonValue makes v fit for encoding/json: bytes as numbers, not base64, and no NaN.
func jsonValue(v any) any {
	switch v := v.(type) {
	case []uint8:
		out := make([]int, len(v))
		for i, x := range v {
			out[i] = int(x)
		}
		return out
	case float32:
		return jsonFloat(float64(v), 32)
	case float64:
		return jsonFloat(v, 64)
	case []float32:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = jsonFloat(float64(x), 32)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = jsonValue(x)
		}
		return out
	}
	return v
}

func jsonFloat(f float64, bits int) any {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.FormatFloat(f, 'g', -1, bits)
	}
	if bits == 32 {
		return float32(f)
	}
	return f
}

// shorten prints a value on one line: long arrays by their first elements, long strings cut.
func shorten(v any) string {
	r := reflect.ValueOf(v)
	if r.Kind() == reflect.Slice {
		n := min(r.Len(), 6)
		s := make([]string, n)
		for i := range s {
			s[i] = shorten(r.Index(i).Interface())
		}
		if r.Len() > n {
			return fmt.Sprintf("[%s, ...] %d in all", strings.Join(s, ", "), r.Len())
		}
		return "[" + strings.Join(s, ", ") + "]"
	}
	if s, ok := v.(string); ok {
		q := strconv.Quote(s)
		if runes := []rune(q); len(runes) > 72 {
			return string(runes[:69]) + `..."`
		}
		return q
	}
	return fmt.Sprint(v)
}
