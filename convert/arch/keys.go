package arch

import (
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// key is an entry of the architecture's metadata: its name without the architecture's before it (but that of a key of the
// tokenizer in full), and its value. Whole
// numbers become uint32, others float32; strings, bools and arrays stay as they are.
type key struct {
	name  string
	value any
}

// keys are a table of them in file order.
type keys []key

// FileType is the key of Spec.Metadata whose value the converter knows.
const FileType = "general.file_type"

// fileType stands where it goes.
var fileType = key{FileType, nil}

// PoolingType is a key of Spec.Metadata that the converter replaces by what sentence-transformers' files say, if anything.
// Where it does not stand, that comes last.
const PoolingType = "pooling_type"

var pooling = key{PoolingType, nil}

// with is k and more behind it. A key that k has keeps its place and takes the new value, as the reference's writer
// does.
func (k keys) with(more ...key) keys {
	k = slices.Clone(k)
	for _, m := range more {
		if i := slices.IndexFunc(k, func(x key) bool { return x.name == m.name }); i >= 0 {
			k[i] = m
		} else {
			k = append(k, m)
		}
	}
	return k
}

// before is k with more in front of the key of that name.
func (k keys) before(name string, more ...key) keys {
	i := slices.IndexFunc(k, func(x key) bool { return x.name == name })
	return slices.Insert(slices.Clone(k), i, more...)
}

// without is k without a key.
func (k keys) without(name string) keys {
	return slices.DeleteFunc(slices.Clone(k), func(x key) bool { return x.name == name })
}

// when is what stands in a table under a condition.
func when(condition bool, k ...key) keys {
	if condition {
		return k
	}
	return nil
}

// of gives the keys their full names.
func (k keys) of(arch string) []gguf.KV {
	out := make([]gguf.KV, len(k))
	for i, x := range k {
		switch v := x.value.(type) {
		case int64:
			x.value = uint32(v)
		case float64:
			x.value = float32(v)
		}
		if x.value != nil && !strings.HasPrefix(x.name, "tokenizer.") {
			x.name = arch + "." + x.name
		}
		out[i] = gguf.KV{Key: x.name, Value: x.value}
	}
	return out
}
