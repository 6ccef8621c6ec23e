package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
)

// encoder appends the format's values to out.
type encoder struct{ out []byte }

func (e *encoder) bytes(s string) { e.out = append(e.out, s...) }
func (e *encoder) u32(v uint32)   { e.out = binary.LittleEndian.AppendUint32(e.out, v) }
func (e *encoder) u64(v uint64)   { e.out = binary.LittleEndian.AppendUint64(e.out, v) }
func (e *encoder) str(s string)   { e.u64(uint64(len(s))); e.bytes(s) }

func (e *encoder) kv(kv KV) error {
	if kv.Key == "" || len(kv.Key) > maxKeyBytes {
		return fmt.Errorf("metadata key %q: a key must have between 1 and %d bytes (got %d)", kv.Key, maxKeyBytes, len(kv.Key))
	}
	t, ok := typeOf(kv.Value)
	if !ok {
		return fmt.Errorf("metadata %s: GGUF cannot store values of Go type %T", kv.Key, kv.Value)
	}
	e.str(kv.Key)
	e.u32(uint32(t))
	return e.value(kv.Key, kv.Value)
}

// typeOf returns the metadata type that v is written as, and whether it can be.
func typeOf(v any) (ValueType, bool) {
	switch v.(type) {
	case uint8:
		return Uint8, true
	case int8:
		return Int8, true
	case uint16:
		return Uint16, true
	case int16:
		return Int16, true
	case uint32:
		return Uint32, true
	case int32:
		return Int32, true
	case float32:
		return Float32, true
	case bool:
		return Bool, true
	case string:
		return String, true
	case uint64:
		return Uint64, true
	case int64:
		return Int64, true
	case float64:
		return Float64, true
	case []uint8, []int8, []uint16, []int16, []uint32, []int32, []float32, []bool, []string, []uint64, []int64, []float64, []any:
		return Array, true
	}
	return 0, false
}

func (e *encoder) value(key string, v any) error {
	switch v := v.(type) {
	case uint8:
		e.out = append(e.out, v)
	case int8:
		e.out = append(e.out, uint8(v))
	case uint16:
		e.out = binary.LittleEndian.AppendUint16(e.out, v)
	case int16:
		e.out = binary.LittleEndian.AppendUint16(e.out, uint16(v))
	case uint32:
		e.u32(v)
	case int32:
		e.u32(uint32(v))
	case float32:
		e.u32(math.Float32bits(v))
	case bool:
		b := byte(0)
		if v {
			b = 1
		}
		e.out = append(e.out, b)
	case string:
		e.str(v)
	case uint64:
		e.u64(v)
	case int64:
		e.u64(uint64(v))
	case float64:
		e.u64(math.Float64bits(v))
	case []uint8:
		return encodeArray(e, key, Uint8, v)
	case []int8:
		return encodeArray(e, key, Int8, v)
	case []uint16:
		return encodeArray(e, key, Uint16, v)
	case []int16:
		return encodeArray(e, key, Int16, v)
	case []uint32:
		return encodeArray(e, key, Uint32, v)
	case []int32:
		return encodeArray(e, key, Int32, v)
	case []float32:
		return encodeArray(e, key, Float32, v)
	case []bool:
		return encodeArray(e, key, Bool, v)
	case []string:
		return encodeArray(e, key, String, v)
	case []uint64:
		return encodeArray(e, key, Uint64, v)
	case []int64:
		return encodeArray(e, key, Int64, v)
	case []float64:
		return encodeArray(e, key, Float64, v)
	case []any:
		for _, x := range v {
			if t, ok := typeOf(x); !ok || t != Array {
				return fmt.Errorf("metadata %s: an array of arrays contains a %T", key, x)
			}
		}
		return encodeArray(e, key, Array, v)
	default:
		return fmt.Errorf("metadata %s: GGUF cannot store values of Go type %T", key, v)
	}
	return nil
}

func encodeArray[T any](e *encoder, key string, t ValueType, v []T) error {
	e.u32(uint32(t))
	e.u64(uint64(len(v)))
	for _, x := range v {
		if err := e.value(key, x); err != nil {
			return err
		}
	}
	return nil
}
