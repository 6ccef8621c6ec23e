package gguf

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/suggest"
)

// ParseKV reads "KEY=TYPE:VALUE" as people write metadata: TYPE is u8, i8, u16, i16, u32, i32, u64, i64, f32, f64,
// bool or str, or arr[TYPE] with a JSON list as value: arr[str]:["a","b"].
func ParseKV(s string) (KV, error) {
	key, rest, ok := strings.Cut(s, "=")
	typ, text, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 || key == "" {
		return KV{}, fmt.Errorf("expected KEY=TYPE:VALUE (got %q)", s)
	}
	v, err := parseText(typ, text)
	if err != nil {
		return KV{}, fmt.Errorf("%s: %w", key, err)
	}
	return KV{key, v}, nil
}

func parseText(typ, text string) (any, error) {
	element, isArray := strings.CutPrefix(typ, "arr[")
	if isArray {
		element, isArray = strings.CutSuffix(element, "]")
	}
	t, ok := texts[element]
	if !ok {
		return nil, hint.Wrap(errors.New(suggest.Unknown("metadata type", typ, textTypes)), "types: %s, and arr[TYPE]", strings.Join(textTypes, " "))
	}
	if !isArray {
		return t.parse(text)
	}
	var items []json.RawMessage
	if err := json.Unmarshal([]byte(text), &items); err != nil || items == nil {
		return nil, fmt.Errorf("%s must be a JSON list (got %q)", typ, text)
	}
	return t.list(items)
}

// text reads values of one type.
type text struct {
	parse func(s string) (any, error)
	list  func(items []json.RawMessage) (any, error)
}

// textTypes are the names of the types, in the order in which help has them.
var textTypes = []string{"u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "bool", "str"}

var texts = map[string]text{
	"u8": number(unsigned[uint8](8)), "u16": number(unsigned[uint16](16)), "u32": number(unsigned[uint32](32)), "u64": number(unsigned[uint64](64)),
	"i8": number(signed[int8](8)), "i16": number(signed[int16](16)), "i32": number(signed[int32](32)), "i64": number(signed[int64](64)),
	"f32": number(float[float32](32)), "f64": number(float[float64](64)),
	"bool": textOf(parseBool, func(raw json.RawMessage) (bool, error) { return parseBool(string(raw)) }),
	"str": textOf(func(s string) (string, error) { return s, nil }, func(raw json.RawMessage) (s string, err error) {
		if raw[0] != '"' {
			return "", fmt.Errorf("expected a string in quotes (got %s)", raw)
		}
		return s, json.Unmarshal(raw, &s)
	}),
}

// number reads elements of a list as it reads values alone.
func number[T any](parse func(string) (T, error)) text {
	return textOf(parse, func(raw json.RawMessage) (T, error) { return parse(string(raw)) })
}

func textOf[T any](parse func(string) (T, error), item func(json.RawMessage) (T, error)) text {
	return text{
		parse: func(s string) (any, error) { return parse(s) },
		list: func(items []json.RawMessage) (any, error) {
			out := make([]T, len(items))
			for i, raw := range items {
				var err error
				if out[i], err = item(raw); err != nil {
					return nil, fmt.Errorf("element %d: %w", i, err)
				}
			}
			return out, nil
		},
	}
}

func unsigned[T uint8 | uint16 | uint32 | uint64](bits int) func(string) (T, error) {
	return func(s string) (T, error) {
		n, err := strconv.ParseUint(s, 10, bits)
		return T(n), reason(err, s, "an integer between 0 and %d", uint64(math.MaxUint64)>>(64-bits))
	}
}

func signed[T int8 | int16 | int32 | int64](bits int) func(string) (T, error) {
	return func(s string) (T, error) {
		n, err := strconv.ParseInt(s, 10, bits)
		return T(n), reason(err, s, "an integer of %d bits", bits)
	}
}

func float[T float32 | float64](bits int) func(string) (T, error) {
	return func(s string) (T, error) {
		f, err := strconv.ParseFloat(s, bits)
		if math.IsInf(f, 0) || math.IsNaN(f) {
			err = errors.New("not finite")
		}
		return T(f), reason(err, s, "a finite number of %d bits", bits)
	}
}

func parseBool(s string) (bool, error) {
	if s != "true" && s != "false" {
		return false, fmt.Errorf("expected true or false (got %q)", s)
	}
	return s == "true", nil
}

func reason(err error, s, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("expected %s (got %q)", fmt.Sprintf(format, args...), s)
}
