package safetensors

import (
	"encoding/json"
	"slices"
)

// The library knows none of the floats of 8 bits. Their entries are shown to it as those of bytes, and told apart again by
// their names; GGUF has no type for either.

// Floats of 8 bits, as headers name them: 4 bits of exponent and 3 of mantissa, 5 and 2, and powers of two.
const (
	F8E4M3 = "F8_E4M3"
	F8E5M2 = "F8_E5M2"
	F8E8M0 = "F8_E8M0"
)

// narrowTypes are the types of tensors of such floats, by name.
type narrowTypes map[string]string

// narrowType is the type of an entry if it is one of them, or "".
func narrowType(entry []byte) string {
	var e struct {
		DType string `json:"dtype"`
	}
	if json.Unmarshal(entry, &e) != nil || !slices.Contains([]string{F8E4M3, F8E5M2, F8E8M0}, e.DType) {
		return ""
	}
	return e.DType
}

// asBytes is the header with tensors of bytes in their place.
func (n narrowTypes) asBytes(head []byte) ([]byte, error) {
	if len(n) == 0 {
		return head, nil
	}
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(head, &entries); err != nil {
		return nil, err
	}
	for name := range n {
		var entry map[string]json.RawMessage
		if err := json.Unmarshal(entries[name], &entry); err != nil {
			return nil, err
		}
		entry["dtype"] = json.RawMessage(`"U8"`)
		b, err := json.Marshal(entry)
		if err != nil {
			return nil, err
		}
		entries[name] = b
	}
	return json.Marshal(entries)
}
