// Package pyjson reads JSON as Python's json module writes and reads it.
//
// Configs of checkpoints are written by Python, whose JSON is a superset: NaN, Infinity and -Infinity are numbers,
// and a number too large for a float64 is infinite. A byte order mark in front is skipped, which Python does not do.
package pyjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
)

// special are the words that stand for numbers, and the strings that replace them on their way through
// encoding/json. A string that Python wrote cannot be one of them by chance: it begins with U+0000 and has no more.
var special = []struct {
	word  string
	value float64
}{{"NaN", math.NaN()}, {"Infinity", math.Inf(1)}, {"-Infinity", math.Inf(-1)}}

const mark = "\x00pyjson "

// Decode reads one value: map[string]any, []any, string, float64, bool or nil. Of keys that stand twice the last
// counts, as in Python.
func Decode(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(quoteSpecial(b)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("unexpected data after the value, at byte %d", d.InputOffset())
	}
	return numbers(v), nil
}

// Object is Decode of a JSON object.
func Object(b []byte) (map[string]any, error) {
	v, err := Decode(b)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("expected an object (got %s)", kind(v))
	}
	return m, nil
}

func kind(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case []any:
		return "an array"
	case string:
		return "a string"
	case bool:
		return "true or false"
	}
	return "a number"
}

// quoteSpecial replaces NaN and the infinities outside strings by marked strings, and drops a byte order mark.
func quoteSpecial(b []byte) []byte {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if !bytes.Contains(b, []byte("NaN")) && !bytes.Contains(b, []byte("Infinity")) {
		return b
	}
	var out []byte
	for i := 0; i < len(b); {
		if b[i] == '"' {
			end := stringEnd(b, i)
			out = append(out, b[i:end]...)
			i = end
			continue
		}
		n := 0
		for _, s := range special {
			if bytes.HasPrefix(b[i:], []byte(s.word)) {
				out = append(out, `"\u0000`+mark[1:]+s.word+`"`...)
				n = len(s.word)
			}
		}
		if n == 0 {
			out = append(out, b[i])
			n = 1
		}
		i += n
	}
	return out
}

// stringEnd is where the string that begins at i ends, behind its quote.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// numbers turns json.Number into float64, infinite where it is too large, and the marked strings into what they
// stand for.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		f, _ := strconv.ParseFloat(v.String(), 64) // of what encoding/json accepts only the range can be wrong
		return f
	case string:
		for _, s := range special {
			if v == mark+s.word {
				return s.value
			}
		}
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}
