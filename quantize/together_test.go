package quantize

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/stretchr/testify/require"
)

// counted counts the rows that are read of a model.
type counted struct {
	gguf.Model
	tensors []gguf.Tensor
	rows    atomic.Int64
}

func count(m gguf.Model) *counted {
	c := &counted{Model: m}
	for _, t := range m.Tensors() {
		c.tensors = append(c.tensors, countedTensor{t, c})
	}
	return c
}

func (c *counted) Tensors() []gguf.Tensor { return c.tensors }

type countedTensor struct {
	gguf.Tensor
	of *counted
}

func (t countedTensor) ReadRows(dst []byte, first, n int64) error {
	t.of.rows.Add(n)
	return t.Tensor.ReadRows(dst, first, n)
}

// family is a set of plans of one model that share some of their tensors' bytes and not others.
func family(t *testing.T) map[string]Options {
	m := weights(t, map[string][]float32{"blk.0.ffn_down.weight": ramp(512), "blk.1.ffn_down.weight": ramp(512), "blk.1.attn_v.weight": ramp(512)}, 1)
	return map[string]Options{
		"q4_k_m":  {FileType: recipe.Q4_K_M},
		"q4_k_s":  {FileType: recipe.Q4_K_S}, // most tensors as in Q4_K_M
		"imatrix": {FileType: recipe.Q4_K_M, Imatrix: m, ImatrixName: "m"},
		"part":    {FileType: recipe.Q4_K_M, Imatrix: m, ImatrixName: "m", ExcludeWeights: []string{"blk.0."}},
		"iq4_xs":  {FileType: recipe.IQ4_XS, Imatrix: m, ImatrixName: "m"},
		"q8_0":    {FileType: recipe.Q8_0, Split: gguf.Split{MaxTensors: 4}},
		"f16":     {FileType: recipe.F16},
		"copy":    {FileType: recipe.Copy, Verbatim: true},
		"pruned":  {FileType: recipe.Q4_K_M, PruneLayers: []int{0}},
		"pruned8": {FileType: recipe.Q8_0, PruneLayers: []int{0}, Imatrix: m, ImatrixName: "m"},
	}
}

func ramp(n int) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = 1 + float32(i%13)
	}
	return v
}

// runFamily runs options over src, together or one by one, and returns the content of all files by name.
func runFamily(t *testing.T, src gguf.Model, options map[string]Options, together bool, threads int) map[string]string {
	dir := t.TempDir()
	var plans []*Plan
	var paths []string
	for name, o := range options {
		o.Threads = threads
		p, err := NewPlan(src, o)
		require.NoError(t, err)
		plans, paths = append(plans, p), append(paths, filepath.Join(dir, name+".gguf"))
	}
	if together {
		require.NoError(t, RunAll(context.Background(), plans, paths, nil))
	} else {
		for i, p := range plans {
			require.NoError(t, p.Run(context.Background(), paths[i], nil))
		}
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := map[string]string{}
	for _, e := range entries {
		files[e.Name()] = fileHash(t, filepath.Join(dir, e.Name()))
	}
	return files
}

// TestTogetherIsAsAlone: the same files, whatever runs beside, and every row of the source is read once.
func TestTogetherIsAsAlone(t *testing.T) {
	half, err := gguf.Open(run(t, sample(), Options{FileType: recipe.F16}))
	require.NoError(t, err)
	defer half.Close()
	for name, m := range map[string]gguf.Model{"F32": sample(), "F16": half} {
		src := count(m)
		options := family(t)
		want := runFamily(t, src, options, false, 1)
		require.Len(t, want, len(options)+2, "Q8_0 is in three files")
		var rows int64
		for _, x := range src.Tensors() {
			rows += x.Info().Rows()
		}
		for _, threads := range []int{1, 2, 7} {
			src.rows.Store(0)
			require.Equal(t, want, runFamily(t, src, options, true, threads), "%s, %d threads", name, threads)
			require.Equal(t, rows, src.rows.Load(), "%s", name)
		}
	}
}

// TestTogetherRequantizes: quantized tensors are copied for one plan and decoded for another.
func TestTogetherRequantizes(t *testing.T) {
	src, err := gguf.Open(run(t, sample(), Options{FileType: recipe.Q8_0}))
	require.NoError(t, err)
	defer src.Close()
	options := map[string]Options{"copy": {FileType: recipe.Copy, Verbatim: true}, "q4_0": {FileType: recipe.Q4_0, AllowRequantize: true}}
	require.Equal(t, runFamily(t, src, options, false, 2), runFamily(t, src, options, true, 2))
}

// TestTogetherExperts: experts have weights in one plan and none in another.
func TestTogetherExperts(t *testing.T) {
	m, _ := expertsImatrix(t)
	options := map[string]Options{"with": {FileType: recipe.Q4_0, Imatrix: m}, "without": {FileType: recipe.Q4_0}, "q8_0": {FileType: recipe.Q8_0, Imatrix: m}}
	src := stackOfExperts(expertCols, expertRows, expertCount)
	require.Equal(t, runFamily(t, src, options, false, 2), runFamily(t, src, options, true, 2))
}

// TestEncodedOnce: what plans agree on is one variant, what they do not is several.
func TestEncodedOnce(t *testing.T) {
	options := family(t)
	src := sample()
	variants := func(names ...string) map[string]int {
		var plans []*Plan
		for _, n := range names {
			p, err := NewPlan(src, options[n])
			require.NoError(t, err)
			plans = append(plans, p)
		}
		n := map[string]int{}
		for _, j := range jobs(plans, make([]*gguf.Writer, len(plans))) {
			n[j.in.Name] = len(j.variants)
		}
		return n
	}
	got := variants("q4_k_m", "q4_k_m", "imatrix", "part")
	require.Equal(t, 1, got["output_norm.weight"])
	require.Equal(t, 1, got["token_embd.weight"])
	require.Equal(t, 1, got["blk.0.attn_v.weight"], "no weights for it in any")
	require.Equal(t, 2, got["blk.0.ffn_down.weight"], "two go without")
	require.Equal(t, 2, got["blk.1.ffn_down.weight"])
	require.Equal(t, 3, variants("q4_k_m", "q8_0", "f16")["blk.1.ffn_down.weight"])
	require.Equal(t, 1, variants("q8_0", "pruned8")["blk.1.ffn_down.weight"], "the pruned model calls it blk.0")
}

func TestTogetherAllOrNone(t *testing.T) {
	src := sample()
	src.ts[0].(*memoryTensor).values[5] = 70000 // F16 overflows, Q8_0 does not
	plan := func(m gguf.Model, ft recipe.FileType) *Plan {
		p, err := NewPlan(m, Options{FileType: ft, Threads: 2})
		require.NoError(t, err)
		return p
	}
	q8, q4, f16 := plan(src, recipe.Q8_0), plan(src, recipe.Q4_K_M), plan(src, recipe.F16)
	broken := sample()
	broken.ts[3].(*memoryTensor).values[7] = float32(math.NaN())
	ctx := context.Background()
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	for name, c := range map[string]struct {
		ctx    context.Context
		plans  []*Plan
		paths  []string
		is     error
		reason string
	}{
		"overflow in one": {ctx, []*Plan{q8, f16, q4}, []string{"a", "b", "c"}, gguf.ErrInput, "do not fit F16"},
		"NaN":             {ctx, []*Plan{plan(broken, recipe.Copy)}, []string{"a"}, gguf.ErrInput, "not finite"},
		"other model":     {ctx, []*Plan{q8, plan(sample(), recipe.Q8_0)}, []string{"a", "b"}, ErrOptions, "another model"},
		"same name":       {ctx, []*Plan{q8, q4}, []string{"a", "./a"}, ErrOptions, "two plans would write"},
		"paths":           {ctx, []*Plan{q8, q4}, []string{"a"}, ErrOptions, "2 plans for 1 paths"},
		"cancelled":       {cancelled, []*Plan{q8, q4}, []string{"a", "b"}, context.Canceled, "canceled"},
		"a folder":        {ctx, []*Plan{q8, q4}, []string{"a", "."}, atomicfile.ErrTarget, "is a folder"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i := range c.paths {
				c.paths[i] = dir + "/" + c.paths[i]
			}
			err := RunAll(c.ctx, c.plans, c.paths, nil)
			require.Error(t, err)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
			require.ErrorContains(t, err, c.reason)
			requireEmpty(t, dir)
		})
	}
}

// TestTogetherNamesAllOrNone: a folder that comes into the way of the last file takes the others' names back.
func TestTogetherNamesAllOrNone(t *testing.T) {
	dir := t.TempDir()
	src := sample()
	a, err := NewPlan(src, Options{FileType: recipe.Q8_0})
	require.NoError(t, err)
	last := filepath.Join(dir, "b")
	require.Error(t, RunAll(context.Background(), []*Plan{a, a}, []string{filepath.Join(dir, "a"), last}, func(_, _ int64) {
		_ = os.Mkdir(last, 0o700)
	}))
	require.NoError(t, os.Remove(last))
	requireEmpty(t, dir)
}

// TestTogetherProgress: the source's bytes are counted once, and all of them.
func TestTogetherProgress(t *testing.T) {
	src := sample()
	var want, last int64
	for _, x := range src.Tensors() {
		want += x.Info().Bytes()
	}
	var plans []*Plan
	for _, ft := range []recipe.FileType{recipe.Q8_0, recipe.Q4_0} {
		p, err := NewPlan(src, Options{FileType: ft})
		require.NoError(t, err)
		plans = append(plans, p)
	}
	dir := t.TempDir()
	var highest atomic.Int64
	require.NoError(t, RunAll(context.Background(), plans, []string{dir + "/a", dir + "/b"}, func(done, total int64) {
		for {
			h := highest.Load()
			if done <= h || highest.CompareAndSwap(h, done) {
				break
			}
		}
		atomic.StoreInt64(&last, total)
	}))
	require.Equal(t, want, highest.Load())
	require.Equal(t, want, last)
}
