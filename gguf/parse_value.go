package gguf

import (
	"encoding/binary"
	"math"
)

// value reads one metadata value of type t; depth counts arrays in arrays.
func (d *decoder) value(t ValueType, place string, depth int) any {
	if t == String {
		return d.str(place)
	}
	if t == Array {
		return d.array(place, depth)
	}
	size, ok := scalarSize[t]
	if !ok {
		d.fail(place, "unknown metadata type %d", uint32(t))
		return nil
	}
	b := d.bytes(size, place)
	if b == nil {
		return nil
	}
	switch t {
	case Uint8:
		return b[0]
	case Int8:
		return int8(b[0])
	case Uint16:
		return binary.LittleEndian.Uint16(b)
	case Int16:
		return int16(binary.LittleEndian.Uint16(b))
	case Uint32:
		return binary.LittleEndian.Uint32(b)
	case Int32:
		return int32(binary.LittleEndian.Uint32(b))
	case Float32:
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	case Bool:
		return b[0] != 0
	case Uint64:
		return binary.LittleEndian.Uint64(b)
	case Int64:
		return int64(binary.LittleEndian.Uint64(b))
	default:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
}

var scalarSize = map[ValueType]int64{Uint8: 1, Int8: 1, Uint16: 2, Int16: 2, Uint32: 4, Int32: 4, Float32: 4, Bool: 1, Uint64: 8, Int64: 8, Float64: 8}

func (d *decoder) array(place string, depth int) any {
	t := ValueType(d.u32(place))
	if d.err == nil && depth >= maxDepth {
		d.fail(place, "arrays are nested more than %d deep", maxDepth)
	}
	each, ok := scalarSize[t]
	switch {
	case ok:
	case t == String:
		each = 8
	case t == Array:
		each = 12
	default:
		d.fail(place, "array of unknown metadata type %d", uint32(t))
	}
	n := 0
	if d.err == nil {
		n = d.count(place, each)
	}
	if d.err != nil {
		return nil
	}
	switch t {
	case Uint8:
		return elements[uint8](d, t, n, place)
	case Int8:
		return elements[int8](d, t, n, place)
	case Uint16:
		return elements[uint16](d, t, n, place)
	case Int16:
		return elements[int16](d, t, n, place)
	case Uint32:
		return elements[uint32](d, t, n, place)
	case Int32:
		return elements[int32](d, t, n, place)
	case Float32:
		return elements[float32](d, t, n, place)
	case Bool:
		return elements[bool](d, t, n, place)
	case String:
		return elements[string](d, t, n, place)
	case Uint64:
		return elements[uint64](d, t, n, place)
	case Int64:
		return elements[int64](d, t, n, place)
	case Float64:
		return elements[float64](d, t, n, place)
	}
	out := []any{}
	for i := 0; i < n && d.err == nil; i++ {
		out = append(out, d.array(place, depth+1))
	}
	return out
}

// elements reads n values; the slice grows with what was really read.
func elements[T any](d *decoder, t ValueType, n int, place string) []T {
	out := make([]T, 0, min(n, 1<<16))
	for i := 0; i < n; i++ {
		v, ok := d.value(t, place, 0).(T)
		if !ok || d.err != nil {
			return nil
		}
		out = append(out, v)
	}
	return out
}
