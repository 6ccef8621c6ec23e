package logits

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/model"
	"github.com/stretchr/testify/require"
)

var inf = float32(math.Inf(1))

// TestEncodeDense has what llama.cpp's own code makes of these rows, compiled for x86-64.
func TestEncodeDense(t *testing.T) {
	for name, c := range map[string]struct {
		logits       []float32
		scale, least uint32 // their bits
		codes        []uint16
	}{
		"plain, odd":     {[]float32{1, 2, 3}, 0x38000080, 0xc01a1637, []uint16{0, 32768, 65535, 0}},
		"cut off":        {[]float32{0, -8, -16, -17, -inf}, 0x39800080, 0xc18000b0, []uint16{65535, 32768, 0, 0, 0, 0}},
		"all alike":      {[]float32{2.5, 2.5, 2.5}, 0, 0xbf8c9f54, []uint16{0, 0, 0, 0}},
		"one token":      {[]float32{5}, 0, 0, []uint16{0, 0}},
		"halves to even": {[]float32{0, 65535. / 8192, 1.5 / 8192, 2.5 / 8192, 3.5 / 8192}, 0x39000000, 0xc10004ff, []uint16{0, 65535, 2, 2, 4, 0}},
		"even":           {[]float32{-1.25, 7.75, 3.1, 0.2}, 0x39100090, 0xc110299d, []uint16{0, 65535, 31675, 10558}},
	} {
		var want []byte
		want = binary.LittleEndian.AppendUint32(want, c.scale)
		want = binary.LittleEndian.AppendUint32(want, c.least)
		for _, v := range c.codes {
			want = binary.LittleEndian.AppendUint16(want, v)
		}
		h := LlamaHeader{Vocab: len(c.logits)}
		got := make([]byte, h.rowBytes())
		for i := range got {
			got[i] = 0xee // what an earlier row left
		}
		require.NoError(t, encodeDense(got, c.logits), name)
		require.Equal(t, want, got, name)
	}
}

// llamaHeader is that of two chunks of eight tokens, of which three are scored.
func llamaHeader(vocab int) LlamaHeader {
	return LlamaHeader{Vocab: vocab, Context: 8, Chunks: [][]int32{{1, 2, 3, 4, 5, 6, 7, 8}, {8, 1, 6, 3, 4, 2, 2, 0}}}
}

func llamaFile(t testing.TB, h LlamaHeader, rows [][]float32) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "logits")
	w, err := CreateLlama(path, h)
	require.NoError(t, err)
	require.NoFileExists(t, path)
	writeRows(t, w, h.chunks(), rows)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

func openLlamaBytes(b []byte) (*LlamaReader, error) {
	return newLlamaReader(&input{path: "logits", r: bytes.NewReader(b), left: int64(len(b)), Closer: io.NopCloser(nil)})
}

func readAllLlama(b []byte) (rows []Dense, err error) {
	r, err := openLlamaBytes(b)
	if err != nil {
		return nil, err
	}
	for {
		row := make(Dense, r.Header().Vocab)
		err := r.Next(row)
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
}

// TestLlamaRoundTrip: log-probabilities come back within half a step, those that were cut off as the smallest.
func TestLlamaRoundTrip(t *testing.T) {
	for _, vocab := range []int{9, 10, 301} {
		h := llamaHeader(vocab)
		rows := rowsOf(h.chunks(), vocab)
		rows[1][4] = -40
		path := filepath.Join(t.TempDir(), "logits")
		w, err := CreateLlama(path, h)
		require.NoError(t, err)
		writeRows(t, w, h.chunks(), rows)
		st, err := os.Stat(path)
		require.NoError(t, err)
		require.EqualValues(t, 20+4*16+6*2*(2*((vocab+1)/2)+4), st.Size(), "the reference's formula")
		r, err := OpenLlama(path)
		require.NoError(t, err)
		require.Equal(t, h, r.Header())
		got := make(Dense, vocab)
		for _, l := range rows {
			require.NoError(t, r.Next(got))
			lse, top := LogSumExp(l)
			for i, v := range l {
				want := max(float64(v), float64(l[top])-16) - lse
				require.InDelta(t, want, got[i], 16./65535/2+2e-6)
			}
			require.InDelta(t, divergence(l, rows[0]), got.Divergence(rows[0], first(LogSumExp(rows[0]))), 2e-3)
			// Written again it has the same codes: the rounding does not drift.
			a, b := make([]byte, h.rowBytes()), make([]byte, h.rowBytes())
			require.NoError(t, encodeDense(a, l))
			require.NoError(t, encodeDense(b, got))
			require.Equal(t, a[8:], b[8:])
		}
		require.Equal(t, io.EOF, r.Next(got))
		require.ErrorContains(t, r.Next(got[1:]), "a row of")
		require.NoError(t, r.Close())
	}
}

func first(lse float64, _ int) float64 { return lse }

// TestDenseLeavesOutWhatWasCutOff: at -16 and below nothing is known.
func TestDenseLeavesOutWhatWasCutOff(t *testing.T) {
	q := []float32{0, 1, 2, -50}
	lse, _ := LogSumExp(q)
	above := math.Nextafter32(-16, 0)
	d := Dense{-0.5, -1, above, -16}
	var want float64
	for i, v := range d[:3] {
		want += math.Exp(float64(v)) * (float64(v) - float64(q[i]) + lse)
	}
	require.InDelta(t, want, d.Divergence(q, lse), 1e-15)
	require.Less(t, d.Divergence([]float32{-0.4, -1, -16, -16}, 0), 0.0, "as in the reference")
}

func TestLlamaTruncationIsAnError(t *testing.T) {
	b := llamaFile(t, llamaHeader(9), rowsOf(llamaHeader(9).chunks(), 9))
	rows, err := readAllLlama(b)
	require.NoError(t, err)
	require.Len(t, rows, 6)
	for n := range b {
		_, err := openLlamaBytes(b[:n])
		require.ErrorIs(t, err, gguf.ErrInput, "%d bytes of %d", n, len(b))
	}
	_, err = openLlamaBytes(append(b, 0))
	require.ErrorIs(t, err, gguf.ErrInput)
}

func TestLlamaRefuses(t *testing.T) {
	good := llamaFile(t, llamaHeader(9), rowsOf(llamaHeader(9).chunks(), 9))
	forge := func(at int, v any) []byte {
		b := bytes.Clone(good)
		_, err := binary.Encode(b[at:], binary.LittleEndian, v)
		require.NoError(t, err)
		return b
	}
	rows := 20 + 4*16
	for reason, b := range map[string][]byte{
		"begins with":                 forge(0, uint32(0)),
		"a context of -1":             forge(8, int32(-1)),
		"and -2 chunks":               forge(16, int32(-2)),
		"a context of 2":              forge(8, []int32{2, 9, 8}),
		"a context of 8 and 0 chunks": forge(16, int32(0)),
		"a vocabulary of -5":          forge(12, int32(-5)),
		"token 8 at position 7":       forge(12, int32(8)),
		"truncated: 4611686014132420609 tokens, but the file has only 232 more b": forge(8, []int32{math.MaxInt32, 9, math.MaxInt32}),
		"168 bytes of rows, but 6 rows of 4294967304 bytes are expected: was the": forge(12, int32(math.MaxInt32)), // nothing like that is allocated
		"token -1 at position 0":         forge(20, int32(-1)),
		"but 6 rows of 56 bytes":         forge(12, int32(23)),
		"log-probabilities, between NaN": forge(rows+4, float32(math.NaN())),
		"bad input: logits: invalid log-probabilities, between -Inf and -Inf (at byte 112)":       forge(rows+4, -inf),
		"bad input: logits: invalid log-probabilities, between -15.498236 and +Inf (at byte 112)": forge(rows, inf),
		"bad input: logits: invalid log-probabilities, between -2 and 6 (at byte 112)":            forge(rows, []float32{8. / 65535, -2}),
		"log-probabilities, between -9 and -":                                                     forge(rows, []float32{-1, -9}),
	} {
		_, err := readAllLlama(b)
		require.ErrorIs(t, err, gguf.ErrInput, reason)
		require.ErrorContains(t, err, reason)
	}
}

func TestCreateLlamaRefuses(t *testing.T) {
	for reason, change := range map[string]func(h *LlamaHeader){
		"a vocabulary of 0":      func(h *LlamaHeader) { h.Vocab = 0 },
		"chunk 0 has token 8":    func(h *LlamaHeader) { h.Vocab = 8 },
		"a context of 2":         func(h *LlamaHeader) { h.Context = 2 },
		"0 chunks":               func(h *LlamaHeader) { h.Chunks = nil },
		"chunk 1 has 7 tokens":   func(h *LlamaHeader) { h.Chunks[1] = h.Chunks[1][1:] },
		"token -1 at position 7": func(h *LlamaHeader) { h.Chunks[1][7] = -1 },
	} {
		h := llamaHeader(9)
		change(&h)
		_, err := CreateLlama(filepath.Join(t.TempDir(), "out"), h)
		require.ErrorIs(t, err, gguf.ErrInput, reason)
		require.ErrorContains(t, err, reason)
	}
}

func FuzzLlama(f *testing.F) {
	for _, vocab := range []int{9, 10} {
		f.Add(llamaFile(f, llamaHeader(vocab), rowsOf(llamaHeader(vocab).chunks(), vocab)))
	}
	f.Add([]byte(llamaMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		rows, err := readAllLlama(b)
		if err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
			return
		}
		for _, row := range rows {
			require.False(t, math.IsNaN(row.Divergence(row, 0)))
		}
	})
}

// TestGoldenLlamaFile reads the logits file CARAT_LLAMA_LOGITS that llama-perplexity --kl-divergence-base made with
// the model CARAT_LLAMA_MODEL, a GGUF file, and compares it with what carat computes and writes.
func TestGoldenLlamaFile(t *testing.T) {
	path, source := os.Getenv("CARAT_LLAMA_LOGITS"), os.Getenv("CARAT_LLAMA_MODEL")
	if path == "" || source == "" {
		t.Skip("CARAT_LLAMA_LOGITS and CARAT_LLAMA_MODEL are not both set")
	}
	r, err := OpenLlama(path)
	require.NoError(t, err)
	defer r.Close()
	h := r.Header()
	src, err := gguf.Open(source)
	require.NoError(t, err)
	defer src.Close()
	m, err := model.Load(src, model.Options{})
	require.NoError(t, err)
	sess, err := m.NewSession(h.Context)
	require.NoError(t, err)
	bos, _ := src.Metadata().Int("tokenizer.ggml.bos_token_id")
	addBOS, _ := src.Metadata().Get("tokenizer.ggml.add_bos_token")
	var rows [][]float32
	var furthest, kld float64
	matched := 0
	row, again := make(Dense, h.Vocab), make([]byte, h.rowBytes())
	for _, c := range h.chunks() {
		ids := append([]int32(nil), c.IDs...)
		if addBOS == true {
			ids[0] = int32(bos)
		}
		sess.Reset()
		logits := make([]float32, (len(ids)-c.First)*h.Vocab)
		require.NoError(t, sess.Forward(ids, c.First, logits))
		for range c.Scored() {
			require.NoError(t, r.Next(row))
			l := logits[:h.Vocab]
			rows, logits = append(rows, l), logits[h.Vocab:]
			lse, _ := LogSumExp(l)
			for i, v := range row {
				if v > floor {
					furthest = max(furthest, math.Abs(float64(v)-(float64(l[i])-lse)))
				}
			}
			kld += row.Divergence(l, lse)
			require.NoError(t, encodeDense(again, row))
			if bytes.Equal(again[8:], r.row[8:]) {
				matched++
			}
		}
	}
	require.Equal(t, io.EOF, r.Next(row))
	t.Logf("%d rows: log-probabilities differ by at most %.2g, mean divergence %.2g", len(rows), furthest, kld/float64(len(rows)))
	t.Logf("encoded again matched %d of %d", matched, len(rows))
	require.NotZero(t, len(rows))
	require.Equal(t, len(rows), matched)
	require.Less(t, furthest, 0.05) // llama.cpp multiplies in 16 bits
	require.Less(t, kld/float64(len(rows)), 1e-4)

	// The file that carat writes has the same header, tokens and size, and codes that differ as the logits do.
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	got := llamaFile(t, h, rows)
	require.Len(t, got, len(want))
	head := len(want) - len(rows)*int(h.rowBytes())
	require.Equal(t, want[:head], got[:head])
	a, err := readAllLlama(want)
	require.NoError(t, err)
	b, err := readAllLlama(got)
	require.NoError(t, err)
	for i := range a {
		require.InDeltaSlice(t, a[i], b[i], 0.05)
	}
}
