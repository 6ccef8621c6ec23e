package logits

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/stretchr/testify/require"
)

// text is two chunks of six tokens; three positions of the first and two of the second are scored.
func text() []Chunk {
	return []Chunk{{Slice: 0, IDs: []int32{1, 5, 9, 2, 7, 3}, First: 2}, {Slice: 3, IDs: []int32{0, 4, 4, 8, 6, 1}, First: 3}}
}

func header(vocab, top int) Header {
	return Header{ModelSHA256: strings.Repeat("ab", 32), TextSHA256: strings.Repeat("01", 32), Vocab: vocab, Context: 6, Stride: 2, Computation: "fast, cache F16", Top: top, Chunks: text()}
}

// random are n logits, spread as a model's are.
func random(r *rand.Rand, n int, spread float64) []float32 {
	v := make([]float32, n)
	for i := range v {
		v[i] = float32(spread * r.NormFloat64())
	}
	return v
}

// rowsOf makes logits for each scored position of chunks.
func rowsOf(chunks []Chunk, vocab int) (rows [][]float32) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range chunks {
		for range c.Scored() {
			rows = append(rows, random(r, vocab, 3))
		}
	}
	return rows
}

// rowWriter is what both formats' writers are.
type rowWriter interface {
	Row(logits []float32, target int32) error
	EndChunk() error
	Close() error
	Abort() error
}

var _, _ rowWriter = (*Writer)(nil), (*LlamaWriter)(nil)

// writeRows writes the rows of the chunks and closes w.
func writeRows(t testing.TB, w rowWriter, chunks []Chunk, rows [][]float32) {
	t.Helper()
	for _, c := range chunks {
		for i := range c.Scored() {
			require.NoError(t, w.Row(rows[0], c.IDs[c.First+i+1]))
			rows = rows[1:]
		}
		require.NoError(t, w.EndChunk())
	}
	require.NoError(t, w.Close())
	require.NoError(t, w.Abort(), "does nothing")
}

// cache writes a whole one and returns its bytes.
func cache(t testing.TB, h Header, rows [][]float32) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "cache")
	w, err := Create(path, h)
	require.NoError(t, err)
	writeRows(t, w, h.Chunks, rows)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return b
}

// readAll reads a cache to its end.
func readAll(b []byte) (h Header, rows []Row, err error) {
	r, err := newReader(&input{path: "cache", r: bytes.NewReader(b), left: int64(len(b)), Closer: io.NopCloser(nil)})
	if err != nil {
		return h, nil, err
	}
	for {
		row, err := r.Next()
		if err == io.EOF {
			return r.Header(), rows, nil
		}
		if err != nil {
			return h, rows, err
		}
		rows = append(rows, row)
	}
}

func TestCacheRoundTrip(t *testing.T) {
	for _, top := range []int{1, 4, 9, 10, 11, 256} {
		h := header(10, top)
		logits := rowsOf(h.Chunks, 10)
		logits[1][3], logits[1][7] = 5, 5 // equals
		logits[2][6] = float32(math.Inf(-1))
		path := filepath.Join(t.TempDir(), "cache")
		w, err := Create(path, h)
		require.NoError(t, err)
		require.NoFileExists(t, path)
		writeRows(t, w, h.Chunks, logits)
		r, err := Open(path)
		require.NoError(t, err)
		require.Equal(t, h, r.Header())
		n := min(top, 10)
		for i, l := range logits {
			row, err := r.Next()
			require.NoError(t, err)
			lse, best := LogSumExp(l)
			want := make([]int32, 10)
			for id := range want {
				want[id] = int32(id)
			}
			slices.SortStableFunc(want, func(a, b int32) int {
				if l[a] > l[b] {
					return -1
				}
				if l[a] < l[b] {
					return 1
				}
				return 0
			})
			require.Equal(t, want[:n], row.IDs)
			require.Equal(t, int32(best), row.IDs[0])
			tail := 0.0
			for k, id := range want {
				if logP := float64(l[id]) - lse; k < n {
					require.Equal(t, float32(logP), row.LogP[k])
				} else {
					tail += math.Exp(logP)
				}
			}
			require.InDelta(t, tail, math.Exp(row.LogTail), 1e-15)
			require.Equal(t, tail == 0, math.IsInf(row.LogTail, -1))
			target := []int32{2, 7, 3, 6, 1}[i]
			require.Equal(t, float64(l[target])-lse, row.TargetLogP)
		}
		_, err = r.Next()
		require.Equal(t, io.EOF, err)
		require.NoError(t, r.Close())
	}
}

func TestDefaultTop(t *testing.T) {
	h, rows, err := readAll(cache(t, header(1000, 0), rowsOf(text(), 1000)))
	require.NoError(t, err)
	require.Equal(t, DefaultTop, h.Top)
	require.Len(t, rows[0].IDs, DefaultTop)
}

// TestCacheOfSomeChunks: a measurement that stops early leaves a cache of what it has.
func TestCacheOfSomeChunks(t *testing.T) {
	h := header(10, 4)
	rows := rowsOf(h.Chunks, 10)
	path := filepath.Join(t.TempDir(), "cache")
	w, err := Create(path, h)
	require.NoError(t, err)
	writeRows(t, w, h.Chunks[:1], rows)
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	got, some, err := readAll(b)
	require.NoError(t, err)
	require.Equal(t, h.Chunks[:1], got.Chunks)
	_, all, err := readAll(cache(t, h, rows))
	require.NoError(t, err)
	require.Equal(t, all[:3], some)
}

func TestWriterRefuses(t *testing.T) {
	good := func() []float32 { return make([]float32, 10) }
	with := func(v ...float32) []float32 {
		l := good()
		copy(l, v)
		return l
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	ids := text()
	llama := LlamaHeader{Vocab: 10, Context: 6, Chunks: [][]int32{ids[0].IDs, ids[1].IDs}}
	for name, begin := range map[string]func(path string) (rowWriter, error){
		"cache": func(path string) (rowWriter, error) { return Create(path, header(10, 4)) },
		"llama": func(path string) (rowWriter, error) { return CreateLlama(path, llama) },
	} {
		first := map[string][]int32{"cache": {2, 7, 3}, "llama": {7, 3}}[name] // what follows the first chunk's rows
		for reason, try := range map[string]func(w rowWriter) error{
			"9 logits for a vocabulary of 10": func(w rowWriter) error { return w.Row(good()[:9], first[0]) },
			"0 logits":                        func(w rowWriter) error { return w.Row(make([]float32, 0), first[0]) },
			"NaN":                             func(w rowWriter) error { return w.Row(with(0, nan), first[0]) },
			"is NaN: the model":               func(w rowWriter) error { return w.Row(with(nan), first[0]) },
			"is NaN":                          func(w rowWriter) error { return w.Row(with(inf), first[0]) },
			"broken": func(w rowWriter) error {
				return w.Row([]float32{-inf, -inf, -inf, -inf, -inf, -inf, -inf, -inf, -inf, -inf}, first[0])
			},
			"followed by token 8": func(w rowWriter) error { return w.Row(good(), 8) },
			"ends after 0 rows":   func(w rowWriter) error { return w.EndChunk() },
			"closed after 0":      func(w rowWriter) error { return w.Close() },
			"scored positions": func(w rowWriter) error {
				for _, target := range first {
					require.NoError(t, w.Row(good(), target))
				}
				return w.Row(good(), 0)
			},
			"ends after 1 rows": func(w rowWriter) error {
				require.NoError(t, w.Row(good(), first[0]))
				return w.EndChunk()
			},
		} {
			t.Run(name+" "+reason, func(t *testing.T) {
				dir := t.TempDir()
				w, err := begin(filepath.Join(dir, "out"))
				require.NoError(t, err)
				err = try(w)
				require.ErrorIs(t, err, gguf.ErrInput)
				require.ErrorContains(t, err, reason)
				require.ErrorContains(t, err, "out")
				require.NoError(t, w.Abort())
				entries, err := os.ReadDir(dir)
				require.NoError(t, err)
				require.Empty(t, entries)
			})
		}
	}
}

// TestCloseWithinAChunk: no cache is made of a chunk that is not whole.
func TestCloseWithinAChunk(t *testing.T) {
	dir := t.TempDir()
	w, err := Create(filepath.Join(dir, "out"), header(10, 4))
	require.NoError(t, err)
	for _, target := range []int32{2, 7, 3} {
		require.NoError(t, w.Row(make([]float32, 10), target))
	}
	require.NoError(t, w.EndChunk())
	require.NoError(t, w.Row(make([]float32, 10), 6))
	require.ErrorContains(t, w.Close(), "closed after 1 chunks and 1 rows")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestHeaderRefuses(t *testing.T) {
	for reason, change := range map[string]func(h *Header){
		"the vocabulary must be between 1 and 2147483647 (got 0": func(h *Header) { h.Vocab = 0 },
		"tokens kept must be between 1 and 2147483647 (got -1":   func(h *Header) { h.Top = -1 },
		"the context must be between 0 and 2147483647 (got -1":   func(h *Header) { h.Context = -1 },
		"the stride must be between 0 and 2147483647 (got -2":    func(h *Header) { h.Stride = -2 },
		"the number of chunks must be between 1":                 func(h *Header) { h.Chunks = nil },
		"chunk 1 has token 9":                                    func(h *Header) { h.Chunks[0].IDs[2] = 0; h.Chunks[1].IDs[2] = 9; h.Vocab = 9 },
		"token -1 at position 0":                                 func(h *Header) { h.Chunks[1].IDs[0] = -1 },
		"scored from position 5":                                 func(h *Header) { h.Chunks[0].First = 5 },
		"scored from position -1":                                func(h *Header) { h.Chunks[0].First = -1 },
		"chunk 0 has the invalid slice -1":                       func(h *Header) { h.Chunks[0].Slice = -1 },
		`"abc" is not a SHA-256`:                                 func(h *Header) { h.ModelSHA256 = "abc" },
		`"" is not a SHA-256`:                                    func(h *Header) { h.TextSHA256 = "" },
		"has 0 tokens and is scored ":                            func(h *Header) { h.Chunks[0].IDs = nil },
	} {
		h := header(10, 4)
		change(&h)
		dir := t.TempDir()
		_, err := Create(filepath.Join(dir, "out"), h)
		require.ErrorIs(t, err, gguf.ErrInput, reason)
		require.ErrorContains(t, err, reason)
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Empty(t, entries)
	}
	_, err := Create(filepath.Join(t.TempDir(), "none", "out"), header(10, 4))
	require.ErrorIs(t, err, atomicfile.ErrTarget)
	h := header(math.MaxInt32, math.MaxInt32)
	h.Chunks = []Chunk{{IDs: make([]int32, 1<<20)}}
	_, err = Create(filepath.Join(t.TempDir(), "out"), h)
	require.ErrorIs(t, err, gguf.ErrEnvironment, "16 PB")
}

// TestEveryTruncationIsAnError, and every longer file.
func TestEveryTruncationIsAnError(t *testing.T) {
	b := cache(t, header(10, 4), rowsOf(text(), 10))
	_, _, err := readAll(b)
	require.NoError(t, err)
	for n := range b {
		_, rows, err := readAll(b[:n])
		require.ErrorIs(t, err, gguf.ErrInput, "%d bytes of %d", n, len(b))
		require.Empty(t, rows, "found when it is opened")
	}
	_, _, err = readAll(append(b, 0))
	require.ErrorContains(t, err, "1 bytes behind the last")
}

// TestEveryFlippedBitIsAnError, before a row of that chunk is seen.
func TestEveryFlippedBitIsAnError(t *testing.T) {
	b := cache(t, header(10, 4), rowsOf(text(), 10))
	_, want, err := readAll(b)
	require.NoError(t, err)
	require.Len(t, want, 5)
	for bit := range 8 * len(b) {
		b[bit/8] ^= 1 << (bit % 8)
		_, rows, err := readAll(b)
		require.ErrorIs(t, err, gguf.ErrInput, "bit %d", bit)
		require.Equal(t, append([]Row(nil), want[:len(rows)]...), rows)
		b[bit/8] ^= 1 << (bit % 8)
	}
}

// TestForgedRowsAreErrors: what no writer writes, with checksums that are right.
func TestForgedRowsAreErrors(t *testing.T) {
	h := header(10, 4)
	good := cache(t, h, rowsOf(h.Chunks, 10))
	rows := len(good) - 2*4 - 5*int(h.rowBytes()) // where they begin
	forge := func(at int, v any) []byte {
		b := slices.Clone(good)
		_, err := binary.Encode(b[at:], binary.LittleEndian, v)
		require.NoError(t, err)
		chunk := b[rows : rows+3*int(h.rowBytes())]
		binary.LittleEndian.PutUint32(b[rows+len(chunk):], crc32.ChecksumIEEE(chunk))
		binary.LittleEndian.PutUint32(b[rows-4:], crc32.ChecksumIEEE(b[:rows-4]))
		return b
	}
	_, _, err := readAll(forge(rows+16+4*4, int32(9)))
	require.NoError(t, err, "the forgery's checksums are right")
	for reason, b := range map[string][]byte{
		"token 10 is outside the vocabulary":                                                forge(rows+16+4*4, int32(10)),
		"token -1 is outside the vocabulary":                                                forge(rows+16+4*4, int32(-1)),
		"bad input: cache: a row of chunk 0: log-probability 1 comes after 0 (at byte 356)": forge(rows+16, float32(1)),
		"log-probability NaN":                                                               forge(rows+16+8, float32(math.NaN())),
		"NaN of the tail":                                                                   forge(rows+8, math.NaN()),
		"0.5 of the next token":                                                             forge(rows, 0.5),
		"version 3":                                                                         forge(8, uint32(3)),
		"begins with":                                                                       forge(0, uint32(2)),
		"rows for 3 of 2 chunks":                                                            forge(32, uint32(3)),
		"rows for 0 of 2 chunks":                                                            forge(32, uint32(0)),
		"the vocabulary must be between 1":                                                  forge(16, uint32(0)),
		"truncated: chunk 1":                                                                forge(12, uint32(5)), // larger rows
		"behind the last":                                                                   forge(32, uint32(1)),
	} {
		_, _, err := readAll(b)
		require.ErrorIs(t, err, gguf.ErrInput, reason)
		require.ErrorContains(t, err, reason)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, open := range []func(path string) error{
		func(path string) error { _, err := Open(path); return err },
		func(path string) error { _, err := OpenLlama(path); return err },
	} {
		require.ErrorIs(t, open(filepath.Join(dir, "none")), os.ErrNotExist)
		require.ErrorContains(t, open(dir), "is a folder, not a regular file")
		path := filepath.Join(dir, "other")
		require.NoError(t, os.WriteFile(path, make([]byte, 1000), 0o600))
		err := open(path)
		require.ErrorIs(t, err, gguf.ErrInput)
		require.ErrorContains(t, err, path)
	}
}

// TestFileIsCutWhileRead: the header was whole, rows are missing when they are read.
func TestFileIsCutWhileRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cache")
	b := cache(t, header(10, 4), rowsOf(text(), 10))
	require.NoError(t, os.WriteFile(path, append(b[:len(b):len(b)], make([]byte, 1<<17)...), 0o600)) // more than is read ahead
	in, err := openInput(path)
	require.NoError(t, err)
	defer in.Close()
	_, err = in.read(10, "header")
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, 1<<16))
	_, err = in.read(1<<17, "rows")
	require.ErrorIs(t, err, gguf.ErrInput)
	require.ErrorContains(t, err, path)
}

func FuzzCache(f *testing.F) {
	f.Add(cache(f, header(10, 4), rowsOf(text(), 10)))
	f.Add(cache(f, header(10, 20), rowsOf(text(), 10)))
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, rows, err := readAll(b)
		if err != nil {
			require.ErrorIs(t, err, gguf.ErrInput)
			return
		}
		if h.Vocab > 1<<16 {
			return
		}
		q := make([]float32, h.Vocab)
		lse, _ := LogSumExp(q)
		for _, row := range rows {
			row.Divergence(q, lse)
		}
	})
}
