package quantize

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// quantizeRow is a row of quantize.json: what llama-quantize made of the F16 file.
type quantizeRow struct {
	Type, Options, SHA256 string
	Error                 any
	Bytes                 int64
	TensorTypes           map[string]int `json:"tensor_types"`
}

const (
	smolLayers   = 30
	prunedSHA256 = "72689ced2fb8d36fc527815967e0503c0725dc3d44c115afec8ed765ce124660" // Q4_K_M without layers 3 and 7
)

// TestGoldenQuantizeSmolLM2 compares whole files of a real model. CARAT_SMOLLM2 names its GGUF, from which the
// F16 file is made first that all rows began with. With CARAT_LONG it does so for 1, 2 and 8 threads.
func TestGoldenQuantizeSmolLM2(t *testing.T) {
	golden, source := os.Getenv("CARAT_GOLDEN"), os.Getenv("CARAT_SMOLLM2")
	if golden == "" || source == "" {
		t.Skip("CARAT_GOLDEN and CARAT_SMOLLM2 are not both set")
	}
	if testing.Short() {
		t.Skip("-short leaves out the real model")
	}
	dir := filepath.Join(golden, "golden", "smollm2")
	var data struct{ Rows []quantizeRow }
	b, err := os.ReadFile(filepath.Join(dir, "quantize.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &data))
	src, err := gguf.Open(source)
	require.NoError(t, err)
	defer src.Close()
	path := run(t, src, Options{FileType: recipe.F16, AllowRequantize: true, Threads: 2})
	for _, row := range data.Rows {
		if row.Type == "F16" && row.Options == "" {
			require.Equal(t, row.SHA256, fileHash(t, path), "the F16 file that the rows are made of")
		}
	}
	f16, err := gguf.Open(path)
	require.NoError(t, err)
	defer f16.Close()
	threads := []int{2}
	if os.Getenv("CARAT_LONG") != "" {
		threads = []int{1, 2, 8}
	}
	matched, of := 0, 0
	for _, row := range data.Rows {
		o := goldenOptions(t, dir, row)
		for _, n := range threads {
			o.Threads = n
			t.Run(fmt.Sprintf("%s %s %d threads", row.Type, row.Options, n), func(t *testing.T) {
				of++
				checkGolden(t, f16, o, row)
				matched++ // not reached after a failure
			})
		}
	}
	t.Logf("matched %d of %d, at %d numbers of threads", matched, of, len(threads))
	require.NotZero(t, of)
	require.Equal(t, of, matched)
}

func checkGolden(t *testing.T, f16 gguf.Model, o Options, row quantizeRow) {
	p, err := NewPlan(f16, o)
	if row.Error != nil {
		require.Error(t, err, "the reference refuses it")
		return
	}
	require.NoError(t, err)
	types := map[string]int{}
	for _, x := range p.Tensors {
		types[x.Type.String()]++
	}
	require.Equal(t, row.TensorTypes, types)
	out := filepath.Join(t.TempDir(), "out.gguf")
	require.NoError(t, p.Run(context.Background(), out, nil))
	if n := len(o.PruneLayers); n > 0 && row.SHA256 != fileHash(t, out) {
		// The reference that made the golden data wrote each renumbered layer with the data of the layer that
		// had this number before: it dropped the last layers, whichever were named. Later builds drop those
		// named, and prunedSHA256 is what one of them writes.
		if row.Type == "Q4_K_M" && slices.Equal(o.PruneLayers, []int{3, 7}) {
			require.Equal(t, prunedSHA256, fileHash(t, out))
		}
		o.PruneLayers = nil
		for i := range n {
			o.PruneLayers = append(o.PruneLayers, smolLayers-n+i)
		}
		out = run(t, f16, o)
	}
	require.Equal(t, row.SHA256, fileHash(t, out))
	summary, err := p.Summary()
	require.NoError(t, err)
	require.Equal(t, row.Bytes, summary.FileBytes)
}

// goldenOptions reads a row's options.
func goldenOptions(t *testing.T, dir string, row quantizeRow) (o Options) {
	ft, err := recipe.ParseFileType(row.Type)
	require.NoError(t, err)
	o.FileType = ft
	for _, arg := range strings.Fields(row.Options) {
		name, value, _ := strings.Cut(arg, "=")
		switch name {
		case "imatrix":
			m, err := imatrix.Read(filepath.Join(dir, "imatrix.gguf"))
			require.NoError(t, err)
			o.Imatrix, o.ImatrixName = m, "imatrix.gguf"
		case "pure":
			o.Pure = true
		case "leave-output-tensor":
			o.LeaveOutputTensor = true
		case "output-tensor-type":
			o.OutputTensorType = goldenType(t, value)
		case "token-embedding-type":
			o.TokenEmbeddingType = goldenType(t, value)
		case "tensor-type":
			tt, err := recipe.ParseTensorType(value)
			require.NoError(t, err)
			o.TensorTypes = append(o.TensorTypes, tt)
		case "override-kv":
			kv, err := ParseOverrideKV(value)
			require.NoError(t, err)
			o.OverrideKV = append(o.OverrideKV, kv)
		case "include-weights":
			o.IncludeWeights = append(o.IncludeWeights, value)
		case "exclude-weights":
			o.ExcludeWeights = append(o.ExcludeWeights, value)
		case "prune-layers":
			o.PruneLayers, err = ParseLayers(value)
			require.NoError(t, err)
		default:
			t.Fatalf("%s: option %q is unknown to this test", row.Type, arg)
		}
	}
	return o
}

func goldenType(t *testing.T, name string) *gguf.Type {
	t.Helper()
	typ, err := gguf.ParseType(name)
	require.NoError(t, err)
	return &typ
}
