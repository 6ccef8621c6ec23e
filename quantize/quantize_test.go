package quantize

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
	"github.com/carat-llm/carat/quantize/imatrix"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// memory is a model of float32 tensors.
type memory struct {
	md *gguf.Metadata
	ts []gguf.Tensor
}

func (m *memory) Metadata() *gguf.Metadata { return m.md }
func (m *memory) Tensors() []gguf.Tensor   { return m.ts }
func (m *memory) Close() error             { return nil }

type memoryTensor struct {
	gguf.TensorInfo
	values []float32
}

func (t *memoryTensor) Info() gguf.TensorInfo { return t.TensorInfo }
func (t *memoryTensor) ReadRows(dst []byte, first, n int64) error {
	c, _ := codec.For(gguf.F32)
	c.Encode(dst, t.values[first*t.Cols():(first+n)*t.Cols()], int(t.Cols()), nil)
	return nil
}

func sample() *memory {
	m := &memory{md: &gguf.Metadata{}}
	m.md.Set("general.architecture", "llama")
	m.md.Set("general.file_type", uint32(0))
	m.md.Set("llama.block_count", uint32(2))
	m.md.Set("llama.attention.head_count", uint32(4))
	m.md.Set("llama.attention.head_count_kv", uint32(2))
	seed := float32(1)
	add := func(name string, shape ...int64) {
		i := gguf.TensorInfo{Name: name, Type: gguf.F32, Shape: shape}
		v := make([]float32, i.Elements())
		for j := range v {
			seed = float32(math.Mod(float64(seed)*16807, 2147483647))
			v[j] = seed/2147483647 - 0.5
		}
		m.ts = append(m.ts, &memoryTensor{i, v})
	}
	add("token_embd.weight", 512, 700)
	add("output_norm.weight", 512)
	for _, l := range []string{"blk.1.", "blk.0."} {
		add(l+"ffn_down.weight", 512, 600)
		add(l+"attn_v.weight", 512, 33)
		add(l+"attn_norm.weight", 512)
		add(l+"odd.weight", 96, 7)
	}
	return m
}

func run(t *testing.T, src gguf.Model, o Options) (path string) {
	t.Helper()
	p, err := NewPlan(src, o)
	require.NoError(t, err)
	path = filepath.Join(t.TempDir(), "out.gguf")
	require.NoError(t, p.Run(context.Background(), path, nil))
	return path
}

func fileHash(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	require.NoError(t, err)
	return hex.EncodeToString(h.Sum(nil))
}

func TestPlanOrderTypesAndMetadata(t *testing.T) {
	p, err := NewPlan(sample(), Options{FileType: recipe.Q4_K_M})
	require.NoError(t, err)
	var got []string
	for _, x := range p.Tensors {
		got = append(got, x.Name+" "+x.Type.String())
	}
	require.Equal(t, []string{
		"output_norm.weight F32", "token_embd.weight Q6_K",
		"blk.0.attn_norm.weight F32", "blk.0.attn_v.weight Q4_K", "blk.0.ffn_down.weight Q4_K", "blk.0.odd.weight Q5_0",
		"blk.1.attn_norm.weight F32", "blk.1.attn_v.weight Q6_K", "blk.1.ffn_down.weight Q6_K", "blk.1.odd.weight Q5_0",
	}, got)
	require.True(t, p.Tensors[5].Fallback)
	all := p.Metadata.All()
	require.Equal(t, gguf.KV{Key: "general.quantization_version", Value: uint32(2)}, all[len(all)-2])
	require.Equal(t, gguf.KV{Key: "general.file_type", Value: uint32(15)}, all[len(all)-1])
}

func TestThreadsDoNotChangeBytes(t *testing.T) {
	want := fileHash(t, run(t, sample(), Options{FileType: recipe.Q4_K_M, Threads: 1}))
	for _, n := range []int{2, 8} {
		require.Equal(t, want, fileHash(t, run(t, sample(), Options{FileType: recipe.Q4_K_M, Threads: n})))
	}
}

func TestOptionsThatDoNotFit(t *testing.T) {
	q8 := run(t, sample(), Options{FileType: recipe.Q8_0})
	f, err := gguf.Open(q8)
	require.NoError(t, err)
	defer f.Close()
	_, err = NewPlan(f, Options{FileType: recipe.Q4_0})
	require.ErrorIs(t, err, ErrOptions)
	require.ErrorContains(t, err, "--allow-requantize")
	_, err = NewPlan(f, Options{FileType: recipe.Q4_0, AllowRequantize: true})
	require.NoError(t, err)

	o := Options{FileType: recipe.Q4_K_M}
	o.NoFallback = true
	_, err = NewPlan(sample(), o)
	require.ErrorIs(t, err, ErrOptions)
	require.ErrorContains(t, err, "blk.0.odd.weight")
	_, err = NewPlan(sample(), Options{FileType: recipe.Q2_K_S})
	require.ErrorContains(t, err, "--imatrix")
	q6 := gguf.Q6_K
	o = Options{FileType: recipe.Q8_0}
	o.TensorTypes = []recipe.TensorType{{Pattern: regexp.MustCompile("odd"), Type: q6}}
	p, err := NewPlan(sample(), o)
	require.NoError(t, err)
	require.Equal(t, gguf.Q8_0, p.Tensors[5].Type, "Q6_K falls back to Q8_0")
	_, err = NewPlan(sample(), Options{FileType: recipe.IQ2_XS})
	require.ErrorIs(t, err, ErrOptions)
}

func TestBrokenWeightsAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		value  float32
		reason string
		ft     recipe.FileType
	}{
		"nan":      {float32(math.NaN()), "row 3 column 5 is NaN: not finite", recipe.Q4_K_M},
		"inf":      {float32(math.Inf(-1)), "not finite", recipe.Copy},
		"overflow": {70000, "overflow", recipe.F16},
	} {
		m := sample()
		m.ts[0].(*memoryTensor).values[3*512+5] = c.value
		p, err := NewPlan(m, Options{FileType: c.ft, Threads: 2})
		require.NoError(t, err)
		dir := t.TempDir()
		err = p.Run(context.Background(), filepath.Join(dir, "out.gguf"), nil)
		require.ErrorIs(t, err, gguf.ErrInput, name)
		require.ErrorContains(t, err, "token_embd.weight")
		require.ErrorContains(t, err, c.reason)
		requireEmpty(t, dir)
	}
}

func TestCancelLeavesNothing(t *testing.T) {
	p, err := NewPlan(sample(), Options{FileType: recipe.Q4_K_M, Threads: 2})
	require.NoError(t, err)
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	err = p.Run(ctx, filepath.Join(dir, "out.gguf"), func(done, total int64) { cancel() })
	require.ErrorIs(t, err, context.Canceled)
	requireEmpty(t, dir)
}

func requireEmpty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestParseOverrideKV(t *testing.T) {
	for s, want := range map[string]any{"a=int:-7": uint32(7), "a=float:0.5": float32(0.5), "a=bool:true": true, "a=str:x=y:z": "x=y:z"} {
		kv, err := ParseOverrideKV(s)
		require.NoError(t, err, s)
		require.Equal(t, gguf.KV{Key: "a", Value: want}, kv)
	}
	for _, s := range []string{"", "a", "a=int", "a=int:x", "a=bool:yes", "a=u8:1", "=int:1", "a=int:5000000000"} {
		_, err := ParseOverrideKV(s)
		require.Error(t, err, s)
	}
}

// quantizeRow is a row of quantize.json: what llama-quantize made of the F16 file.
type quantizeRow struct {
	Type, Options, SHA256 string
	Error                 any
	TensorTypes           map[string]int `json:"tensor_types"`
}

// TestGoldenQuantize compares whole files of a real model. CARAT_SMOLLM2 names its GGUF.
func TestGoldenQuantize(t *testing.T) {
	golden, source := os.Getenv("CARAT_GOLDEN"), os.Getenv("CARAT_SMOLLM2")
	if golden == "" || source == "" {
		t.Skip("CARAT_GOLDEN and CARAT_SMOLLM2 are not both set")
	}
	dir := filepath.Join(golden, "golden", "smollm2")
	var data struct{ Rows []quantizeRow }
	b, err := os.ReadFile(filepath.Join(dir, "quantize.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, &data))
	src, err := gguf.Open(source)
	require.NoError(t, err)
	defer src.Close()
	f16path := run(t, src, Options{FileType: recipe.F16, AllowRequantize: true, Threads: 2})
	f16, err := gguf.Open(f16path)
	require.NoError(t, err)
	defer f16.Close()
	threads := []int{2}
	if os.Getenv("CARAT_LONG") != "" {
		threads = []int{1, 2, 8}
	}
	matched, of := 0, 0
	for _, row := range data.Rows {
		o, ok := parseGoldenOptions(t, dir, row)
		if !ok {
			continue
		}
		for _, n := range threads {
			of++
			o.Threads = n
			o.reload(t, dir)
			p, err := NewPlan(f16, o.Options)
			if row.Error != nil {
				if err == nil {
					t.Errorf("%s %s: the reference refuses it", row.Type, row.Options)
				} else {
					matched++
				}
				continue
			}
			if err != nil {
				t.Errorf("%s %s: %v", row.Type, row.Options, err)
				continue
			}
			out := filepath.Join(t.TempDir(), "out.gguf")
			require.NoError(t, p.Run(context.Background(), out, nil))
			if got := fileHash(t, out); got != row.SHA256 {
				t.Errorf("%s %s, %d threads: %s, want %s", row.Type, row.Options, n, got, row.SHA256)
			} else {
				matched++
			}
			require.NoError(t, os.Remove(out))
		}
	}
	t.Logf("matched %d of %d (of %d rows in the golden data)", matched, of, len(data.Rows))
}

type goldenOptions struct {
	Options
	imatrix bool
}

func (o *goldenOptions) reload(t *testing.T, dir string) {
	if o.imatrix {
		m, err := imatrix.Read(filepath.Join(dir, "imatrix.gguf"))
		require.NoError(t, err)
		o.Imatrix, o.ImatrixName = m, "imatrix.gguf"
	}
}

// parseGoldenOptions reads a row's command line; ok is false for what is not of these formats and options.
func parseGoldenOptions(t *testing.T, dir string, row quantizeRow) (o goldenOptions, ok bool) {
	ft, err := recipe.ParseFileType(row.Type)
	if err != nil {
		return o, false
	}
	o.FileType = ft
	if _, known := codec.For(ft.Default()); !known {
		return o, false
	}
	for typ := range row.TensorTypes {
		g, err := gguf.ParseType(typ)
		require.NoError(t, err)
		if _, known := codec.For(g); !known {
			return o, false
		}
	}
	args := strings.Fields(row.Options)
	for i := 0; i < len(args); i++ {
		value := func() string { i++; return args[i] }
		switch args[i] {
		case "--imatrix":
			require.Equal(t, "imatrix.gguf", value())
			o.imatrix = true
		case "--pure":
			o.Pure = true
		case "--leave-output-tensor":
			o.LeaveOutputTensor = true
		case "--output-tensor-type", "--token-embedding-type":
			name := args[i]
			typ, err := gguf.ParseType(value())
			require.NoError(t, err)
			if name == "--output-tensor-type" {
				o.OutputTensorType = &typ
			} else {
				o.TokenEmbeddingType = &typ
			}
		case "--tensor-type":
			tt, err := recipe.ParseTensorType(value())
			require.NoError(t, err)
			o.TensorTypes = append(o.TensorTypes, tt)
		case "--override-kv":
			kv, err := ParseOverrideKV(value())
			require.NoError(t, err)
			o.OverrideKV = append(o.OverrideKV, kv)
		case "--include-weights":
			o.IncludeWeights = append(o.IncludeWeights, value())
		case "--exclude-weights":
			o.ExcludeWeights = append(o.ExcludeWeights, value())
		default:
			t.Logf("not of this issue: %s %s", row.Type, row.Options)
			return o, false
		}
	}
	return o, true
}
