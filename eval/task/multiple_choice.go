package task

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf8"

	"github.com/carat-llm/carat/gguf"
)

const multipleChoiceFormat = `JSON lines {"query": "...", "choices": ["...", ...], "gold": 0}, or the binary file of llama-perplexity --multiple-choice`

// maxChoices is llama-perplexity's.
const maxChoices = 100

// isBinary tells llama-perplexity's files of choices from text: they begin with a number of items below 2^24, so with
// a zero among their first four bytes, which JSON never has.
func isBinary(data []byte) bool { return len(data) >= 4 && bytes.IndexByte(data[:4], 0) >= 0 }

// parseMultipleChoice reads either format.
func parseMultipleChoice(name string, data []byte) ([]Item, error) {
	if isBinary(data) {
		return parseBinaryChoices(name, data)
	}
	type object struct {
		Query   string
		Choices []string
		Gold    *int
	}
	return parseJSONL(name, data, func(at place, v object) (Item, error) {
		if v.Gold == nil {
			return nil, malformed(name, at, `"gold", the number of the right choice, is missing`)
		}
		return newChoices(name, at, v.Query, v.Choices, *v.Gold)
	})
}

func newChoices(name string, at place, query string, answers []string, gold int) (Item, error) {
	switch {
	case query == "":
		return nil, malformed(name, at, "the question is empty")
	case len(answers) < 2 || len(answers) > maxChoices:
		return nil, malformed(name, at, "%d choices, 2 to %d are expected", len(answers), maxChoices)
	case gold < 0 || gold >= len(answers):
		return nil, malformed(name, at, "the right choice is number %d of 0 to %d", gold, len(answers)-1)
	}
	for i, a := range answers {
		if a == "" {
			return nil, malformed(name, at, "choice %d is empty", i)
		}
	}
	return choices{at, query, answers, gold}, nil
}

// parseBinaryChoices reads llama-perplexity's file, little-endian: u32 number of items, u32 offset of each from the
// start of the file, then per item its question and two sets of answers, the first with one right answer, the
// second, unused here and there, with several. A string is a u32 length and its bytes; a set is a u32 number, its
// strings and for each an i32, 1 where it is right.
func parseBinaryChoices(name string, data []byte) ([]Item, error) {
	n := int64(binary.LittleEndian.Uint32(data))
	if 4+4*n > int64(len(data)) {
		return nil, fmt.Errorf("%w: %s starts like a binary file of %d items, but has only %d bytes", gguf.ErrInput, name, n, len(data))
	}
	out := make([]Item, 0, n)
	for i := range n {
		at := place(fmt.Sprintf("item %d", i+1))
		offset := int64(binary.LittleEndian.Uint32(data[4+4*i:]))
		if offset < 4+4*n || offset > int64(len(data)) {
			return nil, malformed(name, at, "begins at byte %d, outside of bytes %d to %d", offset, 4+4*n, len(data))
		}
		c := cursor{data: data[offset:]}
		question := c.text()
		answers, labels := c.answers()
		c.answers()
		if c.bad != "" {
			return nil, malformed(name, at, "%s", c.bad)
		}
		gold := -1
		for j, l := range labels {
			if l == 1 && gold >= 0 {
				return nil, malformed(name, at, "answers %d and %d are both marked right, one is expected", gold, j)
			}
			if l == 1 {
				gold = j
			}
		}
		if gold < 0 {
			return nil, malformed(name, at, "none of its %d answers is marked right", len(answers))
		}
		it, err := newChoices(name, at, question, answers, gold)
		if err != nil {
			return nil, err
		}
		out = append(out, it)
	}
	return out, nil
}

// cursor reads from data until it is bad.
type cursor struct {
	data []byte
	bad  string
}

func (c *cursor) take(n int64) []byte {
	if c.bad != "" || n > int64(len(c.data)) {
		if c.bad == "" {
			c.bad = fmt.Sprintf("truncated: %d bytes needed, %d left", n, len(c.data))
		}
		return nil
	}
	b := c.data[:n]
	c.data = c.data[n:]
	return b
}

func (c *cursor) number() uint32 {
	if b := c.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) text() string {
	b := c.take(int64(c.number()))
	if c.bad == "" && !utf8.Valid(b) {
		c.bad = fmt.Sprintf("the string %.40q is not UTF-8", b)
	}
	return string(b)
}

func (c *cursor) answers() (texts []string, labels []int32) {
	n := c.number()
	if n > maxChoices && c.bad == "" {
		c.bad = fmt.Sprintf("%d answers, at most %d are expected", n, maxChoices)
	}
	for i := uint32(0); i < n && c.bad == ""; i++ {
		texts = append(texts, c.text())
	}
	for i := uint32(0); i < n && c.bad == ""; i++ {
		labels = append(labels, int32(c.number()))
	}
	return texts, labels
}
