package task

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
)

// maxFile bounds a file of items, packed and unpacked: a compressed file of a kilobyte may hold terabytes.
const maxFile = 1 << 30

// Items are the questions of one file.
type Items struct {
	Name   string // the file's base name
	SHA256 string // of the file as it is stored
	Bytes  int64  // of it
	path   string // as given, for messages
	list   []Item
}

// Len is the number of items.
func (it *Items) Len() int { return len(it.list) }

// Item is one question.
type Item interface {
	// ask tokenizes the item for one model.
	ask(tok Tokenizer, o Options) (question, error)
	// where the item stands in its file: "line 7".
	where() string
}

// question is an item in a model's tokens.
type question interface {
	// tokens is the length of the longest sequence that asking needs.
	tokens() int
	answer(s *sequence) (outcome, error)
}

// outcome is how a model did on an item.
type outcome struct {
	right      bool
	normalized bool    // right by log-probability per byte
	logProb    float64 // of the last word
}

// place is an item's where.
type place string

func (p place) where() string { return string(p) }

func lineAt(n int) place { return place(fmt.Sprintf("line %d", n)) }

// Read reads the items of a file, which may be compressed by gzip or bzip2. Errors wrap gguf.ErrInput and name file
// and line.
func Read(t Task, path string) (*Items, error) {
	raw, err := inputfile.ReadSmall(path, maxFile)
	if err != nil {
		return nil, err
	}
	return Parse(t, path, raw)
}

// Parse is Read of a file's content.
func Parse(t Task, path string, raw []byte) (*Items, error) {
	data, err := unpack(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", gguf.ErrInput, path, err)
	}
	if !t.binary || !isBinary(data) { // the parser of binary files sees to their strings
		if err := inputfile.CheckUTF8(path, data); err != nil {
			return nil, err
		}
	}
	// In a file of JSON lines a byte order mark is no text, in others it is: llama-perplexity takes it so.
	if rest, ok := bytes.CutPrefix(data, []byte(inputfile.BOM)); ok && isJSON(rest) {
		data = rest
	}
	list, err := t.parse(path, data)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: %s has no items; %s needs %s", gguf.ErrInput, path, t.Name, t.Format)
	}
	sum := sha256.Sum256(raw)
	return &Items{Name: filepath.Base(path), SHA256: hex.EncodeToString(sum[:]), Bytes: int64(len(raw)), path: path, list: list}, nil
}

// unpack decompresses data that begins as gzip or bzip2 files do.
func unpack(data []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(data, []byte{0x1f, 0x8b}):
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil, err
		}
		return readAll(r)
	case len(data) > 10 && string(data[:3]) == "BZh" && string(data[4:10]) == "1AY&SY":
		return readAll(bzip2.NewReader(bytes.NewReader(data)))
	}
	return data, nil
}

func readAll(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%w: more than %d bytes", gguf.ErrInput, maxFile)
	}
	return data, err
}

// malformed is the error of an item.
func malformed(name string, at place, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s: %s", gguf.ErrInput, name, at, fmt.Sprintf(format, args...))
}

// lines cuts text at newlines, with or without a carriage return; the last may lack its own.
func lines(data []byte) []string {
	var out []string
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte{'\n'})
		out = append(out, string(bytes.TrimSuffix(line, []byte{'\r'})))
		data = rest
	}
	return out
}

// parseJSONL reads one object of type T a line and makes an item of each. Empty lines and unknown keys are passed over.
func parseJSONL[T any](name string, data []byte, item func(at place, v T) (Item, error)) ([]Item, error) {
	var out []Item
	for i, line := range lines(data) {
		if len(bytes.TrimSpace([]byte(line))) == 0 {
			continue
		}
		var v T
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			return nil, malformed(name, lineAt(i+1), "no JSON object as expected: %v", err)
		}
		it, err := item(lineAt(i+1), v)
		if err != nil {
			return nil, err
		}
		out = append(out, it)
	}
	return out, nil
}

// isJSON tells JSON lines from other formats.
func isJSON(data []byte) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	return len(data) > 0 && data[0] == '{'
}
