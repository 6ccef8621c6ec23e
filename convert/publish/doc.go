// Package publish puts a finished GGUF file where other programs look for models: Ollama's Modelfile or store, LM Studio's
// folder, a folder for the Hugging Face hub.
//
//	t, why := publish.TemplateOf(md)               // the chat template in Ollama's language, or why there is none
//	p, err := publish.OllamaFolder(f, dir, m)      // Modelfile and model
//	p, err := publish.OllamaStore(f, store, m, "smollm2:q4_k_m", false)
//	err = p.Run(ctx, unchanged)
//
// A Plan is made first, from headers; Run writes all of its files, or none, and gives those their names last that make the
// others be found. Models are copied, or linked where that is asked for.
package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
)

// Plan is what will be written.
type Plan struct {
	// Files are in the order in which they get their names.
	Files []File
	// Notes are what the user should know, a sentence each.
	Notes []string
	// Link makes hard links of models in place of copies.
	Link bool
	// Progress, if not nil, is told how many bytes are written.
	Progress func(done, total int64)
}

// File is one of a Plan's: a copy of another, a model, or some bytes.
type File struct {
	Path    string
	Bytes   int64
	Source  string     // what is copied, or
	Model   *gguf.File // the model that is written as one file, or
	Content []byte
	SHA256  string // what the copy must have, if not empty
}

// whole returns the file of a model. One in several files becomes one.
func whole(f *gguf.File) (File, error) {
	if len(f.Paths()) == 1 {
		return single(f)
	}
	n, err := gguf.FileSize(f.Metadata(), gguf.Infos(f.Tensors()))
	return File{Path: splitName.ReplaceAllString(filepath.Base(f.Paths()[0]), ".gguf"), Bytes: n, Model: f}, err
}

var splitName = regexp.MustCompile(`-\d{5}-of-\d{5}\.gguf$`)

// single returns the one file that a model consists of.
func single(f *gguf.File) (File, error) {
	paths := f.Paths()
	if len(paths) != 1 {
		return File{}, hint.Wrap(fmt.Errorf("%w: %s: is the first of %d files, and a model of one file is needed", gguf.ErrInput, paths[0], len(paths)),
			"carat merge %s -o MODEL.gguf makes it one", paths[0])
	}
	st, err := os.Stat(paths[0])
	if err != nil {
		return File{}, err
	}
	return File{Source: paths[0], Bytes: st.Size()}, nil
}

func text(path string, content []byte) File {
	return File{Path: path, Bytes: int64(len(content)), Content: content}
}

// Bytes is how much will be written.
func (p *Plan) Bytes() (n int64) {
	for _, f := range p.Files {
		n += f.Bytes
	}
	return n
}

// Run makes the folders that are missing, and writes the files. unchanged is asked before they get their names.
func (p *Plan) Run(ctx context.Context, unchanged func() error) (err error) {
	var batch atomicfile.Batch
	var made []string
	defer func() {
		err = errors.Join(err, batch.Abort())
		for i := len(made) - 1; err != nil && i >= 0; i-- {
			_ = os.Remove(made[i]) // it has nothing, or stays
		}
	}()
	done, total := int64(0), p.Bytes()
	for _, f := range p.Files {
		folders, err := makeFolders(filepath.Dir(f.Path))
		made = append(made, folders...)
		if err != nil {
			return err
		}
		progress := func(n int64) {
			if p.Progress != nil {
				p.Progress(done+n, total)
			}
		}
		switch {
		case f.Model != nil:
			err = writeModel(ctx, &batch, f, progress)
		case f.Source == "":
			err = batch.WriteFile(f.Path, f.Content)
		case p.Link:
			temp := f.Path + ".link"
			defer os.Remove(temp) // it is gone when all went well
			err = link(&batch, f, temp)
		default:
			err = copyFile(ctx, &batch, f, progress)
		}
		done += f.Bytes
		if errors.Is(err, atomicfile.ErrNoSpace) {
			return fmt.Errorf("%w: %w", gguf.ErrEnvironment, err)
		} else if err != nil {
			return err
		}
	}
	if err := unchanged(); err != nil {
		return err
	}
	return batch.Commit()
}

// makeFolders makes dir and what is missing above it, and returns what it made, outermost first.
func makeFolders(dir string) (made []string, err error) {
	var missing []string
	for d := dir; ; d = filepath.Dir(d) {
		st, err := os.Stat(d)
		if err == nil && !st.IsDir() {
			return nil, fmt.Errorf("%w: %s: is not a folder", gguf.ErrInput, d)
		}
		if !errors.Is(err, fs.ErrNotExist) || d == filepath.Dir(d) {
			break
		}
		missing = append(missing, d)
	}
	for i := len(missing) - 1; i >= 0; i-- {
		if err := os.Mkdir(missing[i], 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
			return made, err
		}
		made = append(made, missing[i])
	}
	return made, nil
}

// writeModel writes a model as one file.
func writeModel(ctx context.Context, batch *atomicfile.Batch, f File, progress func(n int64)) error {
	w, err := gguf.Create(f.Path, f.Model.Metadata(), gguf.Infos(f.Model.Tensors()))
	if err != nil {
		return err
	}
	batch.Add(w.Files()...)
	return w.Copy(ctx, f.Model.Tensors(), func(done, _ int64) { progress(done) })
}

// link makes a hard link, which the batch gives its name.
func link(batch *atomicfile.Batch, f File, temp string) error {
	source, err := filepath.EvalSymlinks(f.Source)
	if err != nil {
		return err
	}
	if err := os.Link(source, temp); err != nil {
		return hint.Wrap(fmt.Errorf("%s cannot be linked: %w", f.Source, err), "without --link it is copied")
	}
	return batch.Adopt(temp, f.Path)
}

// copyFile copies, and requires the sum that was told.
func copyFile(ctx context.Context, batch *atomicfile.Batch, f File, progress func(n int64)) error {
	in, err := inputfile.Open(f.Source)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := atomicfile.Create(f.Path, in.Size())
	if err != nil {
		return err
	}
	batch.Add(out)
	sum, r, buf := sha256.New(), in.Reader(), make([]byte, 4<<20)
	for at := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := r.Read(buf)
		sum.Write(buf[:n])
		if _, err := out.WriteAt(buf[:n], at); err != nil {
			return err
		}
		at += int64(n)
		progress(at)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); f.SHA256 != "" && got != f.SHA256 {
		return fmt.Errorf("%w: %s: changed while it was read: its SHA-256 is %s, was %s", gguf.ErrInput, f.Source, got, f.SHA256)
	}
	return in.Unchanged()
}

// sum is the SHA-256 of b, in hexadecimal.
func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
