package text

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
)

// Text is one slice of a corpus.
type Text struct {
	Name   string // of the slice
	File   string // where it is from: the base name
	Data   string
	SHA256 string
	// Limit is how many tokens of it are scored at most, in whole chunks; 0 means all.
	Limit int
}

// NewText names data and hashes it.
func NewText(name, file, data string) Text {
	sum := sha256.Sum256([]byte(data))
	return Text{Name: name, File: file, Data: data, SHA256: hex.EncodeToString(sum[:])}
}

// JSONL says which fields of a line hold the text and the name of its slice.
type JSONL struct{ Text, Slice string }

// ReadTexts reads an evaluation file. A .jsonl file holds an object a line: the documents of one value of the slice
// field, in order and an empty line apart, are a slice; those without the field are one called as a text file is; a
// byte order mark before them is ignored. Any other file is UTF-8 text and one slice, called name, or by the file when
// name is empty.
func ReadTexts(path, name string, fields JSONL) ([]Text, error) {
	t, err := ReadText(path)
	if err != nil {
		return nil, err
	}
	if name != "" {
		t.Name = name
	}
	if strings.ToLower(filepath.Ext(path)) != ".jsonl" {
		return []Text{t}, nil
	}
	texts, err := parseJSONL([]byte(t.Data), t.File, t.Name, fields)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", gguf.ErrInput, path, err)
	}
	return texts, nil
}

// ReadText reads a file of UTF-8 whole, whatever its name. Nothing is left out: a byte order mark at the beginning is
// text, as it is for llama.cpp.
func ReadText(path string) (Text, error) {
	b, err := inputfile.ReadText(path, inputfile.MaxText)
	var kind *inputfile.KindError
	if errors.As(err, &kind) && kind.Stream() {
		err = hint.Wrap(err, "give - to read standard input, or save the text to a file")
	}
	if err != nil {
		return Text{}, err
	}
	base := filepath.Base(path)
	return NewText(strings.TrimSuffix(base, filepath.Ext(base)), base, string(b)), nil
}

func parseJSONL(b []byte, base, name string, fields JSONL) ([]Text, error) {
	var order []string
	docs := map[string][]string{}
	b = bytes.TrimPrefix(b, []byte(inputfile.BOM))
	s := bufio.NewScanner(bytes.NewReader(b))
	s.Buffer(nil, len(b)+1)
	for line := 1; s.Scan(); line++ {
		if len(bytes.TrimSpace(s.Bytes())) == 0 {
			continue
		}
		var o map[string]json.RawMessage
		if err := json.Unmarshal(s.Bytes(), &o); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		var text *string // nil for null, too
		if err := json.Unmarshal(o[fields.Text], &text); err != nil || text == nil {
			return nil, fmt.Errorf("line %d: field %q is missing or not a string", line, fields.Text)
		}
		slice := ""
		if v, ok := o[fields.Slice]; ok && json.Unmarshal(v, &slice) != nil {
			slice = string(v) // a number or the like names a slice too
		}
		if slice == "" {
			slice = name
		}
		if docs[slice] == nil {
			order = append(order, slice)
		}
		docs[slice] = append(docs[slice], *text)
	}
	if len(order) == 0 {
		return nil, errors.New("the file has no documents")
	}
	var out []Text
	for _, n := range order {
		out = append(out, NewText(n, base, strings.Join(docs[n], "\n\n")))
	}
	return out, nil
}
