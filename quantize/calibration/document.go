package calibration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
)

// A document ends at the first empty line behind shortest bytes, at the first line behind longest, and in any case at limit. Bytes
// are those of weigh.
const (
	shortest = 1600
	longest  = 3200
	limit    = 6400
)

// documents cuts a text.
func documents(file, text string) (out []Document) {
	text = strings.TrimPrefix(text, inputfile.BOM)
	for len(text) > 0 {
		n := end(text)
		if piece := strings.Trim(text[:n], "\r\n"); strings.TrimSpace(piece) != "" {
			out = append(out, Document{File: file, Text: piece})
		}
		text = text[n:]
	}
	return out
}

// end is where the document ends that text begins with.
func end(text string) int {
	for at, weight := 0, 0; at < len(text) && at < limit; {
		n := strings.IndexByte(text[at:], '\n')
		if n < 0 {
			break
		}
		line := text[at : at+n+1]
		if at += len(line); at > limit {
			break
		}
		weight += weigh(line)
		if weight >= longest || weight >= shortest && strings.TrimSpace(line) == "" {
			return at
		}
	}
	if len(text) <= limit {
		return len(text)
	}
	n := limit
	for !utf8.RuneStart(text[n]) {
		n--
	}
	return n
}

// digit is how many bytes a digit counts as: tokenizers have a token for each or for few, and tables would have the most tokens
// of all otherwise.
const digit = 4

// weigh is how long a text is.
func weigh(text string) int {
	n := len(text)
	for i := range len(text) {
		if '0' <= text[i] && text[i] <= '9' {
			n += digit - 1
		}
	}
	return n
}

// lines reads a .jsonl file.
func lines(file string, b []byte) (out []Document, err error) {
	b = bytes.TrimPrefix(b, []byte(inputfile.BOM))
	for i, line := range bytes.Split(b, []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var o struct {
			Text     string    `json:"text"`
			Messages []Message `json:"messages"`
		}
		if err := json.Unmarshal(line, &o); err != nil {
			return nil, fmt.Errorf("%w: %s: line %d: %w", gguf.ErrInput, file, i+1, err)
		}
		switch {
		case len(o.Messages) > 0:
			out = append(out, Document{File: file, Messages: o.Messages})
		case strings.TrimSpace(o.Text) != "":
			out = append(out, documents(file, o.Text)...)
		default:
			return nil, fmt.Errorf("%w: %s: line %d has neither text nor messages: expected {\"text\": \"...\"} or {\"messages\": [{\"role\": \"user\", \"content\": \"...\"}]}", gguf.ErrInput, file, i+1)
		}
	}
	return out, nil
}
