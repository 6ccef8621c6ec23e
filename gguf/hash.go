package gguf

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/carat-llm/carat/internal/inputfile"
	"golang.org/x/sync/errgroup"
)

// Hashes are the SHA-256 of a model: of each file as it lies on disk, and of each tensor's data.
type Hashes struct {
	Files   []FileHash   `json:"files,omitempty"` // none for a model that is not a GGUF file
	Tensors []TensorHash `json:"tensors"`
}

// FileHash is a file's, or that of one file of a split.
type FileHash struct {
	Name   string `json:"name"` // without the folder
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// TogetherSHA256 is one SHA-256 for all files of a model: the file's own, or that of what sha256sum prints of the files of a split.
// It is "" where one of them is not known.
func TogetherSHA256(files []FileHash) string {
	if slices.ContainsFunc(files, func(f FileHash) bool { return f.SHA256 == "" }) {
		return ""
	}
	if len(files) == 1 {
		return files[0].SHA256
	}
	h := sha256.New()
	for _, f := range slices.SortedFunc(slices.Values(files), func(a, b FileHash) int { return cmp.Compare(a.Name, b.Name) }) {
		fmt.Fprintf(h, "%s  %s\n", f.SHA256, f.Name)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// TensorHash is a tensor's, of its encoded data without padding.
type TensorHash struct {
	Name   string  `json:"name"`
	Type   string  `json:"type"`
	Shape  []int64 `json:"shape"`
	Bytes  int64   `json:"bytes"`
	SHA256 string  `json:"sha256"`
}

// Hash reads all of m, some tensors at a time by threads workers.
func Hash(ctx context.Context, m Model, threads int, progress Progress) (*Hashes, error) {
	h := &Hashes{Tensors: make([]TensorHash, len(m.Tensors()))}
	f, _ := m.(*File)
	var done atomic.Int64
	var total int64
	for i, t := range m.Tensors() {
		x := t.Info()
		h.Tensors[i] = TensorHash{Name: x.Name, Type: x.Type.String(), Shape: x.Shape, Bytes: x.Bytes()}
		total += x.Bytes()
	}
	if f != nil {
		h.Files = make([]FileHash, len(f.parts))
		for i, p := range f.parts {
			h.Files[i] = FileHash{Name: filepath.Base(p.path), Bytes: p.file.Size()}
			total += p.file.Size()
		}
	}
	read := func(n int64) {
		if n := done.Add(n); progress != nil {
			progress(n, total)
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, threads))
	for i := range h.Files {
		group.Go(func() (err error) {
			h.Files[i].SHA256, err = hashReader(ctx, f.parts[i].file.Reader(), read)
			return err
		})
	}
	for i, t := range m.Tensors() {
		group.Go(func() (err error) {
			h.Tensors[i].SHA256, err = HashTensor(ctx, t, read)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return h, Unchanged(m)
}

// HashFile hashes the file at path, of any format.
func HashFile(path string) (FileHash, error) {
	f, err := inputfile.Open(path)
	if err != nil {
		return FileHash{}, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f.Reader()); err != nil {
		return FileHash{}, err
	}
	return FileHash{Name: filepath.Base(path), Bytes: f.Size(), SHA256: hex.EncodeToString(h.Sum(nil))}, f.Unchanged()
}

func hashReader(ctx context.Context, r io.Reader, read func(n int64)) (string, error) {
	h := sha256.New()
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := io.CopyN(h, r, chunkBytes)
		if read != nil {
			read(n)
		}
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(h.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// HashTensor is the SHA-256 of t's encoded data in hex. read, if not nil, is told the bytes of each chunk.
func HashTensor(ctx context.Context, t Tensor, read func(n int64)) (string, error) {
	h := sha256.New()
	err := EachChunk(ctx, t, func(data []byte, _, _ int64) error {
		h.Write(data)
		if read != nil {
			read(int64(len(data)))
		}
		return nil
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

// maxHashesBytes is the size of the largest JSON of hashes that is read: a million tensors take a fifth of it.
const maxHashesBytes = 1 << 30

// ReadHashes reads what was written as JSON: Hashes, or anything with such tensors in it.
func ReadHashes(path string) (*Hashes, error) {
	b, err := inputfile.ReadSmall(path, maxHashesBytes)
	if err != nil {
		return nil, err
	}
	return ParseHashes(path, b)
}

// ParseHashes is ReadHashes for content that was read; name is for errors.
func ParseHashes(name string, b []byte) (*Hashes, error) {
	h, err := parseHashes(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrInput, name, err)
	}
	return h, nil
}

func parseHashes(b []byte) (*Hashes, error) {
	h := &Hashes{}
	if err := json.Unmarshal(b, h); err != nil {
		return nil, fmt.Errorf("not JSON as carat hash --json prints it: %w", err)
	}
	if len(h.Files)+len(h.Tensors) == 0 {
		return nil, errors.New("the JSON has no hashes of files or tensors")
	}
	for _, t := range h.Tensors {
		if t.Name == "" || len(t.SHA256) != 2*sha256.Size {
			return nil, fmt.Errorf("tensor %q has no SHA-256; was the file written by inspect without --hash?", t.Name)
		}
	}
	return h, nil
}

// Differences says in words how h differs from what was recorded before: in tensors by name, and in files by
// their order, whatever they are called. Files are left out when one side has none.
func (h *Hashes) Differences(before *Hashes) []string {
	out := []string{}
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	old := map[string]TensorHash{}
	for _, t := range before.Tensors {
		old[t.Name] = t
	}
	for _, t := range h.Tensors {
		b, ok := old[t.Name]
		delete(old, t.Name)
		switch {
		case !ok:
			say("tensor %s is new", t.Name)
		case b.Type != t.Type:
			say("tensor %s is %s, was %s", t.Name, t.Type, b.Type)
		case !slices.Equal(b.Shape, t.Shape):
			say("tensor %s has shape %v, had %v", t.Name, t.Shape, b.Shape)
		case b.SHA256 != t.SHA256:
			say("tensor %s has other data: %s, was %s", t.Name, t.SHA256, b.SHA256)
		}
	}
	for _, t := range before.Tensors {
		if _, gone := old[t.Name]; gone {
			say("tensor %s is missing", t.Name)
			delete(old, t.Name)
		}
	}
	if len(h.Files) == 0 || len(before.Files) == 0 {
		return out
	}
	if len(h.Files) != len(before.Files) {
		say("%d files, were %d", len(h.Files), len(before.Files))
		return out
	}
	for i, f := range h.Files {
		if b := before.Files[i]; b.SHA256 != f.SHA256 {
			say("file %s: %s, was %s", f.Name, f.SHA256, b.SHA256)
		}
	}
	return out
}
