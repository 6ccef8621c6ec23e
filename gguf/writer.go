package gguf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"

	"github.com/carat-llm/carat/internal/atomicfile"
)

// DefaultAlignment is that of files without general.alignment.
const DefaultAlignment = 32

// Writer writes a GGUF file, or the files of a split model, whose headers are known beforehand. Tensor data
// may come in any order and from several goroutines. The files appear at their paths on Commit.
type Writer struct {
	files   []*atomicfile.File
	tensors []TensorInfo
	places  []place
	sums    []digest // of the files, when Hash was asked for
}

// digest is a hash that follows a file as it is written.
type digest struct {
	hash.Hash
	of *atomicfile.Follower
}

// place is where a tensor's data begins.
type place struct {
	file   *atomicfile.File
	offset int64
}

// Create plans the header of a version 3 file with md and tensors in the order given, and reserves the
// whole file. The caller must Commit or Abort. CreateSplit writes several files.
func Create(path string, md *Metadata, tensors []TensorInfo) (*Writer, error) {
	w := &Writer{}
	if err := w.add(path, md, tensors); err != nil {
		return nil, errors.Join(err, w.Abort())
	}
	return w, nil
}

// add begins one more file, whose tensors follow those of the files before.
func (w *Writer) add(path string, md *Metadata, tensors []TensorInfo) error {
	head, offsets, size, err := layout(md, tensors)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	out, err := atomicfile.Create(path, size)
	if errors.Is(err, atomicfile.ErrNoSpace) {
		return fmt.Errorf("%w: %w", ErrEnvironment, err)
	}
	if err != nil {
		return err
	}
	w.files = append(w.files, out)
	w.tensors = append(w.tensors, tensors...)
	for _, o := range offsets {
		w.places = append(w.places, place{out, o})
	}
	if _, err = out.WriteAt(head, 0); err != nil {
		return err
	}
	for i, o := range offsets {
		next := size
		if i+1 < len(offsets) {
			next = offsets[i+1]
		}
		out.Skip(o+tensors[i].Bytes(), next) // the padding
	}
	return nil
}

// FileSize is the size of the file that Create and Commit give.
func FileSize(md *Metadata, tensors []TensorInfo) (int64, error) {
	_, _, size, err := layout(md, tensors)
	return size, err
}

// layout encodes the header, padded, and places the tensors behind it, each padded, the last one too.
func layout(md *Metadata, tensors []TensorInfo) (head []byte, offsets []int64, size int64, err error) {
	alignment := int64(DefaultAlignment)
	if v, ok := md.Get("general.alignment"); ok {
		a, ok := v.(uint32)
		if !ok || a == 0 || a&(a-1) != 0 || a > maxAlignment {
			return nil, nil, 0, fmt.Errorf("general.alignment must be a uint32 that is a power of two (got %v, a %T)", v, v)
		}
		alignment = int64(a)
	}
	e := &encoder{}
	e.bytes("GGUF")
	e.u32(3)
	e.u64(uint64(len(tensors)))
	e.u64(uint64(md.Len()))
	for _, kv := range md.All() {
		if err := e.kv(kv); err != nil {
			return nil, nil, 0, err
		}
	}
	seen := make(map[string]bool, len(tensors))
	offsets = make([]int64, len(tensors))
	var data int64
	for i, t := range tensors {
		if err := checkTensor(t); err != nil {
			return nil, nil, 0, err
		}
		if seen[t.Name] {
			return nil, nil, 0, fmt.Errorf("tensor %s appears twice", t.Name)
		}
		seen[t.Name] = true
		e.str(t.Name)
		e.u32(uint32(len(t.Shape)))
		for _, d := range t.Shape {
			e.u64(uint64(d))
		}
		e.u32(uint32(t.Type))
		e.u64(uint64(data))
		offsets[i] = data
		data = pad(data+t.Bytes(), alignment)
	}
	start := pad(int64(len(e.out)), alignment)
	head = append(e.out, make([]byte, start-int64(len(e.out)))...)
	for i := range offsets {
		offsets[i] += start
	}
	return head, offsets, start + data, nil
}

func pad(n, alignment int64) int64 { return (n + alignment - 1) / alignment * alignment }

func checkTensor(t TensorInfo) error {
	switch {
	case t.Name == "" || len(t.Name) > maxNameBytes:
		return fmt.Errorf("tensor %q: a name must have between 1 and %d bytes (got %d)", t.Name, maxNameBytes, len(t.Name))
	case len(t.Shape) == 0 || len(t.Shape) > maxDims:
		return fmt.Errorf("tensor %s: a tensor must have between 1 and %d dimensions (got shape %v)", t.Name, maxDims, t.Shape)
	case !t.Type.Valid():
		return fmt.Errorf("tensor %s: unknown tensor type %v", t.Name, t.Type)
	case t.Cols()%int64(t.Type.BlockSize()) != 0:
		return fmt.Errorf("tensor %s: rows of %d elements are not a multiple of the block size of %s, which is %d", t.Name, t.Cols(), t.Type, t.Type.BlockSize())
	}
	for _, d := range t.Shape {
		if d <= 0 {
			return fmt.Errorf("tensor %s: invalid shape %v", t.Name, t.Shape)
		}
	}
	return nil
}

// WriteAt writes p at off within the data of tensor number i. It may be called concurrently for places
// that do not overlap.
func (w *Writer) WriteAt(i int, p []byte, off int64) error {
	t := w.tensors[i]
	if off < 0 || off+int64(len(p)) > t.Bytes() {
		return fmt.Errorf("tensor %s: %d bytes at %d are outside its %d bytes", t.Name, len(p), off, t.Bytes())
	}
	_, err := w.places[i].file.WriteAt(p, w.places[i].offset+off)
	return err
}

// Files are what Commit gives names to, in order. With them the caller may commit the model together with other files.
func (w *Writer) Files() []*atomicfile.File { return w.files }

// Tensors are those that Create was given.
func (w *Writer) Tensors() []TensorInfo { return w.tensors }

// Hash lets HashFiles have its sums by the time that the last data is written. It is called before the first is.
func (w *Writer) Hash() {
	for _, f := range w.files {
		h := sha256.New()
		w.sums = append(w.sums, digest{h, f.Follow(h)})
	}
}

// HashFiles hashes the files as they will be, when all is written and before Commit.
func (w *Writer) HashFiles(ctx context.Context) ([]FileHash, error) {
	var out []FileHash
	for i, f := range w.files {
		sum, err := w.hashFile(ctx, i)
		if err != nil {
			return nil, err
		}
		out = append(out, FileHash{Name: filepath.Base(f.Name()), Bytes: f.Size(), SHA256: sum})
	}
	return out, nil
}

func (w *Writer) hashFile(ctx context.Context, i int) (string, error) {
	if len(w.sums) > 0 {
		if whole, err := w.sums[i].of.Wait(ctx); err != nil || whole {
			return hex.EncodeToString(w.sums[i].Sum(nil)), err
		}
	}
	f := w.files[i]
	return hashReader(ctx, io.NewSectionReader(f, 0, f.Size()), nil)
}

// HashTensor is the SHA-256 of the data of tensor number i as it was written, before Commit.
func (w *Writer) HashTensor(ctx context.Context, i int) (string, error) {
	return hashReader(ctx, io.NewSectionReader(w.places[i].file, w.places[i].offset, w.tensors[i].Bytes()), nil)
}

// Commit makes the files durable, all of them, and then gives them their names. What was not written is zero.
func (w *Writer) Commit() error { return CommitAll([]*Writer{w}) }

// CommitAll is Commit for models that belong together: all their files get their names, or none does.
func CommitAll(writers []*Writer) error {
	var files []*atomicfile.File
	for _, w := range writers {
		files = append(files, w.files...)
	}
	return atomicfile.CommitAll(files)
}

// Abort gives up and leaves nothing. After Commit it does nothing, so it can be deferred.
func (w *Writer) Abort() (err error) {
	for _, f := range w.files {
		err = errors.Join(err, f.Abort())
	}
	return err
}
