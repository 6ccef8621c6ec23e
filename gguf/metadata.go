package gguf

import "slices"

// ValueType is the type of a metadata value by its number in the format.
type ValueType uint32

// The metadata types.
const (
	Uint8   ValueType = 0
	Int8    ValueType = 1
	Uint16  ValueType = 2
	Int16   ValueType = 3
	Uint32  ValueType = 4
	Int32   ValueType = 5
	Float32 ValueType = 6
	Bool    ValueType = 7
	String  ValueType = 8
	Array   ValueType = 9
	Uint64  ValueType = 10
	Int64   ValueType = 11
	Float64 ValueType = 12
)

var valueTypeNames = [...]string{"u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "str", "arr", "u64", "i64", "f64"}

// String returns the short name, as in "u32".
func (t ValueType) String() string {
	if int(t) < len(valueTypeNames) {
		return valueTypeNames[t]
	}
	return "?"
}

// KV is one metadata entry. Value holds the Go type of the same width: uint8, int8, uint16, int16,
// uint32, int32, float32, bool, string, uint64, int64, float64, or for arrays []uint8, []int8, ...,
// []string, []bool, and []any of such slices for arrays of arrays.
type KV struct {
	Key   string
	Value any
}

// Metadata is an ordered list of key-value pairs with distinct keys. The zero value is empty.
type Metadata struct {
	kvs   []KV
	index map[string]int
}

// All returns the entries in order; the slice must not be changed.
func (m *Metadata) All() []KV { return m.kvs }

// Len is the number of entries.
func (m *Metadata) Len() int { return len(m.kvs) }

// Get returns the value of key.
func (m *Metadata) Get(key string) (any, bool) {
	i, ok := m.index[key]
	if !ok {
		return nil, false
	}
	return m.kvs[i].Value, true
}

// Set replaces the value of key in its place, or appends it.
func (m *Metadata) Set(key string, value any) {
	if i, ok := m.index[key]; ok {
		m.kvs[i].Value = value
		return
	}
	if m.index == nil {
		m.index = map[string]int{}
	}
	m.index[key] = len(m.kvs)
	m.kvs = append(m.kvs, KV{key, value})
}

// Delete removes key if it is there.
func (m *Metadata) Delete(key string) {
	i, ok := m.index[key]
	if !ok {
		return
	}
	m.kvs = slices.Delete(m.kvs, i, i+1)
	delete(m.index, key)
	for k, j := range m.index {
		if j > i {
			m.index[k] = j - 1
		}
	}
}

// Append removes key if it is there and adds it at the end.
func (m *Metadata) Append(key string, value any) {
	m.Delete(key)
	m.Set(key, value)
}

// Clone returns a copy that can be changed; values are shared.
func (m *Metadata) Clone() *Metadata {
	c := &Metadata{}
	for _, kv := range m.kvs {
		c.Set(kv.Key, kv.Value)
	}
	return c
}

// Architecture is general.architecture, or "".
func (m *Metadata) Architecture() string { s, _ := m.String("general.architecture"); return s }

// String returns the string of key, and whether there is one.
func (m *Metadata) String(key string) (string, bool) {
	v, _ := m.Get(key)
	s, ok := v.(string)
	return s, ok
}

// Bool returns the boolean of key, and whether there is one.
func (m *Metadata) Bool(key string) (value, ok bool) {
	v, _ := m.Get(key)
	value, ok = v.(bool)
	return value, ok
}

// Int returns the integer of key, whatever its width, and whether there is one that fits int64.
func (m *Metadata) Int(key string) (int64, bool) {
	v, _ := m.Get(key)
	switch v := v.(type) {
	case uint8:
		return int64(v), true
	case int8:
		return int64(v), true
	case uint16:
		return int64(v), true
	case int16:
		return int64(v), true
	case uint32:
		return int64(v), true
	case int32:
		return int64(v), true
	case uint64:
		return int64(v), v <= 1<<63-1
	case int64:
		return v, true
	}
	return 0, false
}

// Float returns the number of key, float32 or float64, and whether there is one.
func (m *Metadata) Float(key string) (float64, bool) {
	v, _ := m.Get(key)
	switch v := v.(type) {
	case float32:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// Strings returns the string array of key, or nil.
func (m *Metadata) Strings(key string) []string {
	v, _ := m.Get(key)
	s, _ := v.([]string)
	return s
}

// Ints returns the integer array of key as int64, whatever its width, or nil.
func (m *Metadata) Ints(key string) []int64 {
	v, _ := m.Get(key)
	switch v := v.(type) {
	case []uint8:
		return widen(v)
	case []int8:
		return widen(v)
	case []uint16:
		return widen(v)
	case []int16:
		return widen(v)
	case []uint32:
		return widen(v)
	case []int32:
		return widen(v)
	case []uint64:
		return widen(v)
	case []int64:
		return widen(v)
	}
	return nil
}

// Floats returns the float32 array of key, or nil.
func (m *Metadata) Floats(key string) []float32 {
	v, _ := m.Get(key)
	s, _ := v.([]float32)
	return s
}

func widen[T uint8 | int8 | uint16 | int16 | uint32 | int32 | uint64 | int64](s []T) []int64 {
	out := make([]int64, len(s))
	for i, v := range s {
		out[i] = int64(v)
	}
	return out
}
