package main

import (
	"bufio"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/display"
	"github.com/carat-llm/carat/internal/suggest"
)

// showValue prints one metadata value of a model whole.
func showValue(g global, m gguf.Model, path, key string) error {
	md := m.Metadata()
	v, ok := md.Get(key)
	if !ok {
		var keys []string
		for _, kv := range md.All() {
			keys = append(keys, kv.Key)
		}
		return fmt.Errorf("%w: %s: %s", gguf.ErrInput, path, suggest.Unknown("key", key, keys))
	}
	if g.json {
		return printJSON(g.out, metadataEntry{key, valueTypeName(v), jsonValue(v)})
	}
	w := bufio.NewWriter(g.out)
	writeValue(w, v)
	return w.Flush()
}

// writeValue writes a text as it is, but for what could move a terminal's cursor or change its colours, and elements of
// arrays one a line, with line ends and quotes escaped.
func writeValue(w io.Writer, v any) {
	if text, ok := v.(string); ok {
		for line := range strings.SplitSeq(text, "\n") {
			fmt.Fprintln(w, display.Name(line))
		}
		return
	}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice {
		fmt.Fprintln(w, v)
		return
	}
	for i := range r.Len() {
		switch x := r.Index(i).Interface().(type) {
		case string:
			fmt.Fprintln(w, strconv.Quote(x))
		default:
			fmt.Fprintln(w, x)
		}
	}
}
