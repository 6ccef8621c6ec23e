package recipe

import (
	"bufio"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// TestFamilies compares the types of models of all families with those that llama-quantize --dry-run chose, for all file
// types, without and with importance weights. scripts/quantdiff --write made the file: each model has 34 layers and rows as
// long as real ones.
func TestFamilies(t *testing.T) {
	f, err := os.Open(filepath.Join("testdata", "types.txt.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	models := readFamilies(t, z)
	require.NotEmpty(t, models)
	for _, m := range models {
		require.NotEmpty(t, m.choices, m.name)
		for _, c := range m.choices {
			got := m.types(t, c)
			if slices.Equal(c.types, got) {
				continue
			}
			for i := range min(len(got), len(c.types)) {
				if got[i] != c.types[i] {
					t.Fatalf("%s %v, importance weights %v: %s %v is %v, want %v", m.name, c.fileType, c.imatrix, m.tensors[i].Name, m.tensors[i].Shape, got[i], c.types[i])
				}
			}
			t.Fatalf("%s %v, importance weights %v: %d types, want %d", m.name, c.fileType, c.imatrix, len(got), len(c.types))
		}
	}
}

// family is a model, and what the reference makes of it.
type family struct {
	name    string
	md      *gguf.Metadata
	tensors []gguf.TensorInfo
	choices []choice
}

type choice struct {
	fileType FileType
	imatrix  bool
	types    []gguf.Type // of each tensor; none where the reference fails
}

// types are what the recipe chooses.
func (m family) types(t *testing.T, c choice) (out []gguf.Type) {
	r := New(c.fileType, m.md, m.tensors, Options{HasImatrix: c.imatrix})
	for _, info := range m.tensors {
		d, err := r.Next(info)
		if err != nil {
			require.ErrorContains(t, err, info.Name)
			return nil
		}
		out = append(out, d.Type)
	}
	return out
}

func readFamilies(t *testing.T, r io.Reader) (models []family) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		kind, rest, _ := strings.Cut(lines.Text(), " ")
		fields := strings.Fields(rest)
		if kind == "model" {
			m := family{name: fields[0], md: &gguf.Metadata{}}
			m.md.Set("general.architecture", fields[1])
			for _, kv := range fields[2:] {
				key, value, _ := strings.Cut(kv, "=")
				n, err := strconv.ParseUint(value, 10, 32)
				require.NoError(t, err)
				m.md.Set(fields[1]+"."+key, uint32(n))
			}
			models = append(models, m)
			continue
		}
		m := &models[len(models)-1]
		switch kind {
		case "tensor":
			info := gguf.TensorInfo{Name: fields[0]}
			var err error
			info.Type, err = gguf.ParseType(fields[1])
			require.NoError(t, err)
			for d := range strings.SplitSeq(fields[2], ",") {
				n, err := strconv.ParseInt(d, 10, 64)
				require.NoError(t, err)
				info.Shape = append(info.Shape, n)
			}
			m.tensors = append(m.tensors, info)
		case "types":
			ft, err := ParseFileType(fields[1])
			require.NoError(t, err)
			c := choice{fileType: ft, imatrix: fields[0] != "none"}
			if fields[2] != "fails" {
				c.types = m.runs(t, fields[2:])
			}
			m.choices = append(m.choices, c)
		default:
			t.Fatalf("unknown line %q", lines.Text())
		}
	}
	require.NoError(t, lines.Err())
	return models
}

// runs reads TYPE*N ... for all tensors in order.
func (m family) runs(t *testing.T, runs []string) (out []gguf.Type) {
	byName := map[string]gguf.Type{}
	for typ := range gguf.Q2_0 + 1 {
		byName[typ.String()] = typ
	}
	for _, run := range runs {
		name, count, _ := strings.Cut(run, "*")
		n, err := strconv.Atoi(count)
		typ, ok := byName[name]
		if err != nil || !ok {
			t.Fatalf("%s: %q", m.name, run)
		}
		out = append(out, slices.Repeat([]gguf.Type{typ}, n)...)
	}
	require.Len(t, out, len(m.tensors), m.name)
	return out
}
