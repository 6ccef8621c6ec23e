package quantize

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/carat-llm/carat/quantize/recipe"
)

// Keys of the text by which a model was calibrated; files without one have neither.
const (
	CalibrationName   = "carat.calibration.name"
	CalibrationSHA256 = "carat.calibration.sha256"
)

// Calibration names a text; the zero value is none.
type Calibration struct{ Name, SHA256 string }

// metadata is the source's with what the reference appends, in its order. What it sets goes to the end, also
// where the source had the key. Pieces of a split become one file, so that is not said any more.
func (o *Options) metadata(src *gguf.Metadata) *gguf.Metadata {
	md := src.Clone()
	for _, k := range []string{"split.no", "split.count", "split.tensors.count"} {
		md.Delete(k)
	}
	md.Append("general.quantization_version", uint32(2))
	if o.FileType != recipe.Copy {
		md.Append("general.file_type", uint32(o.FileType))
	} else if v, ok := src.Int("general.file_type"); ok {
		md.Append("general.file_type", uint32(v))
	}
	for _, kv := range o.OverrideKV {
		md.Append(kv.Key, kv.Value)
	}
	if o.HasImatrix {
		md.Append("quantize.imatrix.file", cut(o.ImatrixName))
		if len(o.Imatrix.Datasets) > 0 {
			md.Append("quantize.imatrix.dataset", cut(o.Imatrix.Datasets[0]))
		}
		md.Append("quantize.imatrix.entries_count", uint32(o.Imatrix.Len()))
		if o.Imatrix.Chunks > 0 {
			md.Append("quantize.imatrix.chunks_count", uint32(o.Imatrix.Chunks))
		}
	}
	if o.Calibration.SHA256 != "" {
		md.Append(CalibrationName, cut(o.Calibration.Name))
		md.Append(CalibrationSHA256, o.Calibration.SHA256)
	}
	if len(o.PruneLayers) > 0 {
		// The reference sets it last, also over an override.
		count := src.Architecture() + ".block_count"
		n, _ := src.Get(count)
		md.Append(count, n)
	}
	return md
}

// cut shortens to the 127 bytes that the reference's overrides hold.
func cut(s string) string { return s[:min(len(s), 127)] }

// ParseOverrideKV reads "KEY=TYPE:VALUE" with TYPE int, float, bool or str. Integers become u32 of their
// magnitude, as the reference writes them.
func ParseOverrideKV(s string) (gguf.KV, error) {
	key, rest, ok := strings.Cut(s, "=")
	typ, val, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 || key == "" {
		return gguf.KV{}, fmt.Errorf("expected KEY=TYPE:VALUE (got %q)", s)
	}
	var v any
	var err error
	switch typ {
	case "int":
		var n int64
		n, err = strconv.ParseInt(val, 10, 64)
		if err == nil && (n > 1<<32-1 || n < -(1<<32-1)) {
			err = errors.New("the value does not fit 32 bits")
		}
		v = uint32(max(n, -n))
	case "float":
		var f float64
		f, err = strconv.ParseFloat(val, 32)
		v = float32(f)
	case "bool":
		v = val == "true"
		if val != "true" && val != "false" {
			err = errors.New("expected true or false")
		}
	case "str":
		v = val
		if len(val) > 127 {
			err = errors.New("the string is longer than 127 bytes")
		}
	default:
		return gguf.KV{}, fmt.Errorf("%q: %s", s, suggest.OneOf("type", typ, []string{"int", "float", "bool", "str"}))
	}
	if err != nil {
		return gguf.KV{}, fmt.Errorf("%q: %w", s, err)
	}
	return gguf.KV{Key: key, Value: v}, nil
}
