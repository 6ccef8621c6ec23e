package recipe

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// schema is a file of the types that llama-quantize chose for a model, without importance weights.
type schema struct {
	model    string
	shape    map[string]int // the header line: n_embd, n_layer, ...
	sections []section
}

// section lists the tensors of one file type that differ from its default.
type section struct {
	fileType, def string
	types         map[string]string
}

var shapePart = regexp.MustCompile(`(n_\w+)=(\d+)`)

func readSchema(t *testing.T, path string) schema {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	s := schema{shape: map[string]int{}}
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case strings.HasPrefix(line, "# Model:"):
			s.model = strings.ToLower(fields[2])
		case fields[0] == "#":
			for _, m := range shapePart.FindAllStringSubmatch(line, -1) {
				s.shape[m[1]], err = strconv.Atoi(m[2])
				require.NoError(t, err)
			}
		default:
			require.Len(t, fields, 2, "%s: %q", path, line)
			if name, ok := strings.CutPrefix(fields[0], "["); ok {
				s.sections = append(s.sections, section{strings.TrimSuffix(name, "]"), fields[1], map[string]string{}})
			} else {
				s.sections[len(s.sections)-1].types[fields[0]] = fields[1]
			}
		}
	}
	return s
}

// architecture matters only to the rules for falcon and for models of 70B.
func (s schema) architecture() string {
	for _, a := range []struct{ part, arch string }{
		{"llama", "llama"}, {"mistral", "llama"}, {"mixtral", "llama"}, {"qwen2", "qwen2"}, {"nemotron", "deci"},
		{"olmo", "olmo"}, {"jais-2", "jais2"}, {"falcon", "falcon"},
	} {
		if strings.Contains(s.model, a.part) {
			return a.arch
		}
	}
	return "other"
}

func (s schema) metadata() *gguf.Metadata {
	md, arch := &gguf.Metadata{}, s.architecture()
	md.Set("general.architecture", arch)
	for key, part := range map[string]string{
		"block_count": "n_layer", "expert_count": "n_expert", "attention.head_count": "n_head", "attention.head_count_kv": "n_head_kv",
	} {
		if n, ok := s.shape[part]; ok {
			md.Set(arch+"."+key, uint32(n))
		}
	}
	return md
}

// tensors rebuilds the model's list. Every matrix outside the experts differs from the default of MXFP4_MOE,
// so the lists name it; the stacked ones are named where some rule or a fallback concerns them, which need
// not be in every layer: they are in all layers, those of experts in all that have no dense ffn_down.
func (s schema) tensors() []gguf.TensorInfo {
	names := map[string]bool{"output_norm.weight": true}
	stacked := map[string]bool{}
	for _, sec := range s.sections {
		for name := range sec.types {
			names[name] = true
			if _, kind, _ := strings.Cut(strings.TrimPrefix(name, "blk."), "."); isStacked(name) {
				stacked[kind] = true
			}
		}
	}
	for i := range s.shape["n_layer"] {
		prefix := fmt.Sprintf("blk.%d.", i)
		names[prefix+"attn_norm.weight"] = true
		for kind := range stacked {
			if !strings.Contains(kind, "_exps.") || !names[prefix+"ffn_down.weight"] {
				names[prefix+kind] = true
			}
		}
	}
	var out []gguf.TensorInfo
	for _, name := range slices.SortedFunc(maps.Keys(names), Compare) {
		shape := []int64{s.cols(name), 8}
		switch {
		case strings.Contains(name, "_norm."):
			shape = shape[:1]
		case isStacked(name):
			shape = append(shape, 4)
		}
		out = append(out, gguf.TensorInfo{Name: name, Type: gguf.F16, Shape: shape})
	}
	return out
}

func isStacked(name string) bool {
	return strings.Contains(name, "_exps.") || strings.HasSuffix(name, ".attn_k_b.weight") || strings.HasSuffix(name, ".attn_v_b.weight")
}

// cols is the row length: the header's where it says so. For the rest it matters only which blocks divide
// it, which is told by Q6_K, whose lists hold nothing but fallbacks.
func (s schema) cols(name string) int64 {
	for _, reads := range []string{"attn_q.", "attn_k.", "attn_v.", "attn_qkv.", "ffn_up", "ffn_gate", "token_embd.", "output.", "_norm."} {
		if strings.Contains(name, reads) && !strings.Contains(name, "attn_output.") {
			return int64(s.shape["n_embd"])
		}
	}
	if strings.Contains(name, "ffn_down.") {
		return int64(s.shape["n_ff"])
	}
	for _, sec := range s.sections {
		if sec.fileType == "Q6_K" {
			switch sec.types[name] {
			case "q8_0":
				return 32
			case "f16":
				return 1
			}
		}
	}
	return 256
}

// differences says where the recipe differs from a section.
func (s schema) differences(t *testing.T, sec section) (out []string) {
	ft, err := ParseFileType(sec.fileType)
	require.NoError(t, err)
	if !strings.EqualFold(sec.def, ft.Default().String()) {
		out = append(out, fmt.Sprintf("default %v, want %s", ft.Default(), sec.def))
	}
	tensors := s.tensors()
	r := New(ft, s.metadata(), tensors, Options{})
	for _, info := range tensors {
		d, err := r.Next(info)
		require.NoError(t, err)
		if info.Dims() == 1 {
			require.False(t, d.Eligible, info.Name)
			continue
		}
		require.NotEmpty(t, d.Reason)
		want, ok := sec.types[info.Name]
		if !ok {
			want = sec.def
		}
		if !strings.EqualFold(want, d.Type.String()) {
			out = append(out, fmt.Sprintf("%s is %v (%s), want %s", info.Name, d.Type, d.Reason, want))
		}
	}
	return out
}

func checkSchemas(t *testing.T, pattern string) {
	paths, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	matched, of := 0, 0
	for _, path := range paths {
		s := readSchema(t, path)
		for _, sec := range s.sections {
			of++
			if diff := s.differences(t, sec); diff != nil {
				t.Errorf("%s [%s]: %d differences, first: %s", filepath.Base(path), sec.fileType, len(diff), diff[0])
			} else {
				matched++
			}
		}
	}
	t.Logf("matched %d of %d", matched, of)
	require.NotZero(t, of)
	require.Equal(t, of, matched)
}

func TestSchema(t *testing.T) { checkSchemas(t, filepath.Join("testdata", "*.schema")) }

func TestGoldenSchemas(t *testing.T) {
	dir := os.Getenv("CARAT_GOLDEN")
	if dir == "" {
		t.Skip("CARAT_GOLDEN is not set")
	}
	checkSchemas(t, filepath.Join(dir, "golden", "recipes", "*.schema"))
}
