package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/stretchr/testify/require"
)

// machine is a clock that only work moves on.
type machine struct{ now time.Time }

func (m *machine) clock() time.Time { return m.now }

// fake is a session of 8 tokens whose calls take perToken each, and what slow adds for the n-th call.
type fake struct {
	m        *machine
	perToken time.Duration
	slow     func(call int) time.Duration
	calls    int
	len      int
	depths   []int // length of the sequence before each call
	fail     error
}

func (f *fake) Truncate(n int) { f.len = min(f.len, n) }
func (f *fake) Bytes() int64   { return 77 }
func (f *fake) Forward(ids []int32, from int, logits []float32) error {
	if len(logits) < (len(ids)-from)*8 {
		return errors.New("no room for the logits")
	}
	f.depths = append(f.depths, f.len)
	f.len += len(ids)
	d := f.perToken * time.Duration(len(ids))
	if f.slow != nil {
		d += f.slow(f.calls)
	}
	f.m.now = f.m.now.Add(d)
	f.calls++
	return f.fail
}

func subject(f *fake) Subject { return Subject{f, 8, Work{Bytes: 1000, MultiplyAdds: 2000}} }

func TestMeasure(t *testing.T) {
	m := &machine{}
	// Calls: 1 fill, 4 x (prompt), 1 fill, 4 x (2 steps); the first run of each is not counted.
	f := &fake{m: m, perToken: time.Millisecond, slow: func(call int) time.Duration {
		switch call {
		case 1, 6: // warming up
			return time.Second
		case 3:
			return 16 * time.Millisecond
		case 11:
			return 9 * time.Millisecond
		}
		return 0
	}}
	var progress []string
	r, err := Measure(context.Background(), subject(f), Options{Tests: []Spec{{Prompt: 16, Depth: 5}, {Generate: 2, Depth: 3}}, Repetitions: 3, Clock: m.clock,
		Progress: func(done, total int) { progress = append(progress, fmt.Sprint(done, "/", total)) }})
	require.NoError(t, err)
	require.Equal(t, []int{0, 5, 5, 5, 5, 0, 3, 4, 3, 4, 3, 4, 3, 4}, f.depths, "every repetition starts at the depth")
	require.Equal(t, []string{"1/6", "2/6", "3/6", "4/6", "5/6", "6/6"}, progress)
	require.Equal(t, []any{int64(1000), int64(2000), int64(77)}, []any{r.WeightBytes, r.MultiplyAdds, r.SessionBytes})

	pp := r.Tests[0]
	require.Equal(t, "pp16@d5", pp.Name)
	require.InDeltaSlice(t, []float64{1000, 500, 1000}, pp.Samples, 1e-9)
	require.Equal(t, Spread{1000, 500, 1000}, pp.TokensPerSecond)
	require.InDelta(t, 0.016, pp.FirstToken.P50, 1e-12)
	require.InDelta(t, 0.0304, pp.FirstToken.P95, 1e-12, "0.9 of the way from 16 to 32 ms")
	require.InDelta(t, 0.032, pp.FirstToken.Max, 1e-12)
	require.Nil(t, pp.InterToken)
	require.Zero(t, pp.BytesPerSecond)

	tg := r.Tests[1]
	require.Equal(t, "tg2@d3", tg.Name)
	require.Equal(t, 3, tg.Depth)
	require.InDelta(t, 0.001, tg.InterToken.P50, 1e-12)
	require.InDelta(t, 0.010, tg.InterToken.Max, 1e-12, "one step of the six was slow")
	require.InDelta(t, 1000, tg.TokensPerSecond.Median, 1e-9)
	require.InDelta(t, 2/0.011, tg.TokensPerSecond.Min, 1e-9)
	require.InDelta(t, 1e6, tg.BytesPerSecond, 1e-6)
	require.Nil(t, tg.FirstToken)
}

func TestPromptAndDecoding(t *testing.T) {
	m := &machine{}
	r, err := Measure(context.Background(), subject(&fake{m: m, perToken: time.Millisecond}), Options{Tests: []Spec{{Prompt: 6, Generate: 2}}, Repetitions: 1, Clock: m.clock})
	require.NoError(t, err)
	x := r.Tests[0]
	require.Equal(t, []any{"pp6+tg2", 8}, []any{x.Name, x.Tokens})
	require.InDelta(t, 1000, x.TokensPerSecond.Median, 1e-9)
	require.InDelta(t, 0.006, x.FirstToken.P50, 1e-12)
	require.InDelta(t, 0.001, x.InterToken.P99, 1e-12)
}

// A prompt is cut into calls of a batch; the time to the first token is that of all.
func TestBatches(t *testing.T) {
	m := &machine{}
	f := &fake{m: m, perToken: time.Millisecond}
	r, err := Measure(context.Background(), subject(f), Options{Tests: []Spec{{Prompt: 10, Batch: 4}}, Repetitions: 1, Clock: m.clock})
	require.NoError(t, err)
	require.Equal(t, []int{0, 4, 8, 0, 4, 8}, f.depths)
	require.Equal(t, []any{"pp10@b4", 4}, []any{r.Tests[0].Name, r.Tests[0].Batch})
	require.InDelta(t, 0.010, r.Tests[0].FirstToken.P50, 1e-12)
}

func TestReadBandwidth(t *testing.T) {
	m := &machine{}
	r, err := Measure(context.Background(), subject(&fake{m: m, perToken: time.Millisecond}), Options{Tests: []Spec{{Generate: 1}, {Prompt: 1}}, Clock: m.clock,
		ReadBandwidth: func() float64 { return 4e6 }})
	require.NoError(t, err)
	require.InDelta(t, 0.25, r.ReadShare(r.Tests[0]), 1e-12, "1000 bytes in a millisecond")
	require.Zero(t, r.ReadShare(r.Tests[1]))
	r.ReadBandwidth = 0
	require.Zero(t, r.ReadShare(r.Tests[0]))
}

func TestSpread(t *testing.T) {
	require.InDelta(t, 1.5, Spread{100, 50, 200}.Relative(), 1e-12)
	require.Zero(t, Spread{}.Relative())
}

func TestAClockThatStandsStill(t *testing.T) {
	m := &machine{}
	r, err := Measure(context.Background(), subject(&fake{m: m}), Options{Tests: []Spec{{Generate: 1}}, Clock: m.clock})
	require.NoError(t, err)
	require.False(t, math.IsInf(r.Tests[0].TokensPerSecond.Median, 0))
	require.Len(t, r.Tests[0].Samples, 5, "the default")
}

func TestRefusals(t *testing.T) {
	m := &machine{}
	ctx := context.Background()
	for _, s := range []Spec{{}, {Prompt: -1, Generate: 2}, {Prompt: 1, Generate: -2}, {Prompt: 1, Depth: -1}, {Prompt: 1, Batch: -1}, {Prompt: 1 << 25}} {
		_, err := Measure(ctx, subject(&fake{m: m}), Options{Tests: []Spec{s}})
		require.ErrorIs(t, err, gguf.ErrInput)
		_, err = MeasureNoise(ctx, subject(&fake{m: m}), subject(&fake{m: m}), Rounds{Spec: s})
		require.ErrorIs(t, err, gguf.ErrInput)
	}
	_, err := Measure(ctx, subject(&fake{m: m}), Options{Repetitions: -1})
	require.ErrorIs(t, err, gguf.ErrInput)
	_, err = MeasureNoise(ctx, subject(&fake{m: m}), subject(&fake{m: m}), Rounds{Rounds: 7, Spec: Spec{Generate: 1}})
	require.ErrorContains(t, err, "at least 8")
	broken := errors.New("broken")
	_, err = Measure(ctx, subject(&fake{m: m, fail: broken}), Options{Tests: []Spec{{Prompt: 1}}})
	require.ErrorIs(t, err, broken)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = Measure(cancelled, subject(&fake{m: m}), Options{Tests: []Spec{{Prompt: 1}}})
	require.ErrorIs(t, err, context.Canceled)
	_, err = Compare(cancelled, subject(&fake{m: m}), subject(&fake{m: m}), subject(&fake{m: m}), Rounds{Spec: Spec{Generate: 1}})
	require.ErrorIs(t, err, context.Canceled)
}

func TestGrid(t *testing.T) {
	var names []string
	for _, s := range (Grid{Prompts: []int{512, 0}, Generate: []int{128, 64}, Pairs: []Spec{{Prompt: 32, Generate: 8}}, Depths: []int{0, 1024}}).Specs() {
		names = append(names, s.Name())
	}
	require.Equal(t, []string{"pp512", "tg128", "tg64", "pp32+tg8", "pp512@d1024", "tg128@d1024", "tg64@d1024", "pp32+tg8@d1024"}, names)
	names = nil
	for _, s := range (Grid{Prompts: []int{64}, Generate: []int{8}, Batches: []int{0, 16}}).Specs() {
		names = append(names, s.Name())
	}
	require.Equal(t, []string{"pp64", "pp64@b16", "tg8"}, names)
}

func TestMeasureLoad(t *testing.T) {
	m := &machine{}
	var did []string
	warm := false
	first := func() error {
		did = append(did, "load")
		d := 9 * time.Second
		if warm {
			d = time.Second
		}
		warm = true
		m.now = m.now.Add(d)
		return nil
	}
	drop := func() error { did = append(did, "drop"); warm = false; return nil }
	l, err := MeasureLoad(first, drop, m.clock)
	require.NoError(t, err)
	require.Equal(t, Load{Cold: 9, Warm: 1}, *l)
	require.Equal(t, []string{"drop", "load", "load", "load", "load"}, did)

	warm = false
	l, err = MeasureLoad(first, func() error { return ErrNotDropped }, m.clock)
	require.NoError(t, err)
	require.Equal(t, Load{Warm: 1, Note: "cold: not available: the page cache cannot be dropped"}, *l)

	broken := errors.New("broken")
	_, err = MeasureLoad(func() error { return broken }, drop, m.clock)
	require.ErrorIs(t, err, broken)
}

func TestWorkOf(t *testing.T) {
	md := &gguf.Metadata{}
	md.Append("general.architecture", "moe")
	md.Append("moe.expert_used_count", uint32(2))
	tensors := shapes{
		{Name: "token_embd.weight", Type: gguf.Q8_0, Shape: []int64{64, 100}},
		{Name: "position_embd.weight", Type: gguf.F32, Shape: []int64{64, 10}},
		{Name: "output_norm.weight", Type: gguf.F32, Shape: []int64{64}},
		{Name: "blk.0.ffn_gate_inp.weight", Type: gguf.F32, Shape: []int64{64, 8}},
		{Name: "blk.0.ffn_up_exps.weight", Type: gguf.Q8_0, Shape: []int64{64, 32, 8}},
	}
	common := int64(64*4 + 64*4 + 64*8*4 + 2*32*68)
	require.Equal(t, Work{common + 68*100, 64*100 + 64*8 + 2*32*64}, WorkOf(model{md, tensors}), "the embedding is the output matrix")
	tensors = append(tensors, gguf.TensorInfo{Name: "output.weight", Type: gguf.Q8_0, Shape: []int64{64, 100}})
	require.Equal(t, Work{common + 68*100 + 68, 64*100 + 64*8 + 2*32*64}, WorkOf(model{md, tensors}))
	require.Zero(t, MappedBytes(model{md, tensors}))
}

type shapes []gguf.TensorInfo

type model struct {
	md      *gguf.Metadata
	tensors shapes
}

func (m model) Metadata() *gguf.Metadata { return m.md }
func (m model) Close() error             { return nil }
func (m model) Tensors() []gguf.Tensor {
	var out []gguf.Tensor
	for _, t := range m.tensors {
		out = append(out, tensor{t})
	}
	return out
}

type tensor struct{ info gguf.TensorInfo }

func (t tensor) Info() gguf.TensorInfo               { return t.info }
func (t tensor) ReadRows([]byte, int64, int64) error { return nil }

func TestPeakMemory(t *testing.T) {
	require.GreaterOrEqual(t, PeakMemory(), int64(0))
	if runtime.GOOS != "linux" {
		t.Skip("it is not forgotten here")
	}
	large := make([]byte, 256<<20)
	for i := range large {
		large[i] = 1
	}
	before := PeakMemory()
	require.Greater(t, before, int64(len(large)))
	runtime.KeepAlive(large)
	debug.FreeOSMemory()
	if !ForgetPeakMemory() {
		t.Skip("the kernel has no clear_refs")
	}
	require.Less(t, PeakMemory(), before-200<<20)
}
