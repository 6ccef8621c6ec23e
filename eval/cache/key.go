package cache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
	"reflect"
	"slices"
)

// maxDepth bounds the nesting of a key's value, so that one that refers to itself is an error.
const maxDepth = 64

// Key is the SHA-256 of inputs: of every field of every value in it, exported or not, so that a field added to a struct
// is part of the key without anybody remembering to add it. A field that cannot change the answer, such as where it is
// written to, is left out by the tag `key:"-"`.
//
// Types count as well as values: an interface is encoded with the name of what it holds, and strings and lists with
// their lengths, so that no two different values have the same encoding. A nil slice or map is like an empty one. Values
// without an encoding (functions, channels) are an error unless they are nil.
func Key(inputs any) (string, error) {
	e := &encoder{sha256.New()}
	if err := e.encode(reflect.ValueOf(inputs), 0); err != nil {
		return "", fmt.Errorf("cache key: %w", err)
	}
	return hex.EncodeToString(e.h.Sum(nil)), nil
}

type encoder struct{ h hash.Hash }

func (e *encoder) number(n uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	e.h.Write(b[:])
}

func (e *encoder) text(s string) {
	e.number(uint64(len(s)))
	e.h.Write([]byte(s))
}

func (e *encoder) encode(v reflect.Value, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("values nested more than %d deep", maxDepth)
	}
	e.number(uint64(v.Kind()))
	switch v.Kind() {
	case reflect.Invalid: // a nil interface
	case reflect.Bool:
		if v.Bool() {
			e.number(1)
		} else {
			e.number(0)
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.number(uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		e.number(v.Uint())
	case reflect.Float32, reflect.Float64:
		e.number(math.Float64bits(v.Float()))
	case reflect.String:
		e.text(v.String())
	case reflect.Struct:
		return e.fields(v, depth)
	case reflect.Slice, reflect.Array:
		return e.list(v, depth)
	case reflect.Map:
		return e.pairs(v, depth)
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			e.number(0)
			return nil
		}
		e.number(1)
		if v.Kind() == reflect.Interface {
			e.text(v.Elem().Type().String())
		}
		return e.encode(v.Elem(), depth+1)
	default:
		if !v.IsNil() {
			return fmt.Errorf("cannot encode a %s", v.Type())
		}
	}
	return nil
}

func (e *encoder) fields(v reflect.Value, depth int) error {
	e.text(v.Type().String())
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Tag.Get("key") == "-" {
			continue
		}
		e.text(f.Name)
		if err := e.encode(v.Field(i), depth+1); err != nil {
			return fmt.Errorf("%s.%s: %w", v.Type(), f.Name, err)
		}
	}
	return nil
}

func (e *encoder) list(v reflect.Value, depth int) error {
	e.number(uint64(v.Len()))
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		e.h.Write(v.Bytes())
		return nil
	}
	for i := range v.Len() {
		if err := e.encode(v.Index(i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// pairs encodes a map in an order that does not depend on the map's: that of the pairs' sums.
func (e *encoder) pairs(v reflect.Value, depth int) error {
	var sums [][]byte
	for it := v.MapRange(); it.Next(); {
		pair := &encoder{sha256.New()}
		if err := pair.encode(it.Key(), depth+1); err != nil {
			return err
		}
		if err := pair.encode(it.Value(), depth+1); err != nil {
			return err
		}
		sums = append(sums, pair.h.Sum(nil))
	}
	slices.SortFunc(sums, bytes.Compare)
	e.number(uint64(len(sums)))
	for _, s := range sums {
		e.h.Write(s)
	}
	return nil
}
