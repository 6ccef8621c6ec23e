package recipe

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// ParseTensorTypes reads a file for --tensor-type-file: REGEX=TYPE any number of times, with white space
// in between.
func ParseTensorTypes(r io.Reader) ([]TensorType, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var out []TensorType
	line := 0
	for text := range bytes.Lines(b) {
		line++
		for _, field := range strings.Fields(string(text)) {
			tt, err := ParseTensorType(field)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", line, err)
			}
			out = append(out, tt)
		}
	}
	return out, nil
}

// TensorTypeLine is a line for --tensor-type-file that fixes the type of the one tensor name, here and in
// llama-quantize. That makes patterns lower-case and splits at white space and at the first '=', so what is
// neither a small letter nor a digit is matched by a dot, escaped where it is one.
func TensorTypeLine(name string, t gguf.Type) string {
	var b strings.Builder
	b.WriteByte('^')
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			b.WriteRune(r)
		case r == '.':
			b.WriteString(`\.`)
		case r < 0x80:
			b.WriteByte('.')
		default: // one character here, some bytes there
			b.WriteString(".+")
		}
	}
	b.WriteString("$=")
	b.WriteString(strings.ToLower(t.String()))
	return b.String()
}
