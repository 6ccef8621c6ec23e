package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/recipe"
)

// refused is the result in place of a file's sum.
const refused = "refused"

// caratFile is the beginning of the SHA-256 of what carat makes of src.
func caratFile(ctx context.Context, src gguf.Model, dir string, m mode, typ string) (string, error) {
	o, err := options(dir, m, typ)
	if err != nil {
		return "", err
	}
	p, err := quantize.NewPlan(src, o)
	if errors.Is(err, quantize.ErrOptions) {
		return refused, nil
	}
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "carat.gguf")
	if err := p.Run(ctx, path, nil); err != nil {
		return "", err
	}
	return sum(path)
}

func options(dir string, m mode, typ string) (o quantize.Options, err error) {
	o.ImatrixName, o.Threads = matrixName, 2
	if o.FileType, err = recipe.ParseFileType(typ); err != nil {
		return o, err
	}
	o.Imatrix, err = m.read(filepath.Join(dir, matrixName))
	return o, err
}

// sum hashes a file and removes it.
func sum(path string) (string, error) {
	h, err := gguf.HashFile(path)
	if err != nil {
		return "", err
	}
	return h.SHA256[:8], os.Remove(path)
}

// errUnread is wrapped where llama-quantize does not take the model at all.
var errUnread = errors.New("llama-quantize does not read the model")

// llamaFile is caratFile for llama-quantize.
func (d *differ) llamaFile(ctx context.Context, f16 string, m mode, typ string) (string, error) {
	out, err := d.llamaQuantize(ctx, m, f16, "llama.gguf", typ, "2")
	path := filepath.Join(d.dir, "llama.gguf")
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil:
		return sum(path)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return "", err
	}
	for _, reason := range []string{"requires an imatrix", "Missing importance matrix", noFallback} {
		if strings.Contains(out, reason) {
			return refused, nil
		}
	}
	return "", fmt.Errorf("%w: %w: %s", errUnread, err, last(out))
}

// noFallback is what llama-quantize says about rows that no type fits.
const noFallback = "no tensor type fallback"

// llamaQuantize runs in the scratch folder, so that the matrix has no path.
func (d *differ) llamaQuantize(ctx context.Context, m mode, args ...string) (string, error) {
	if m.lacking != nil {
		args = append([]string{"--imatrix", matrixName}, args...)
	}
	program, err := filepath.Abs(filepath.Join(d.llama, "llama-quantize"))
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = d.dir
	b, err := cmd.CombinedOutput()
	return string(b), err
}

func last(out string) string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return strings.Join(lines[max(0, len(lines)-2):], " / ")
}

// chosen is what becomes of each tensor, and whether that needs importance weights that there are not.
type chosen struct {
	types []string // in the header's order
	needs bool
	fails bool // there is nothing, since some type has no fallback
}

var dryLine = regexp.MustCompile(`(?m)^\[ *\d+/ *\d+\] +(\S+) +- \[[^\]]*\], type = +(\w+), size = [^(\n]*(?:\((\w+)\))?$`)

func (d *differ) llamaTypes(ctx context.Context, path string, m mode, typ string) (c chosen, err error) {
	out, err := d.llamaQuantize(ctx, m, "--dry-run", path, typ)
	if err != nil {
		if strings.Contains(out, noFallback) {
			return chosen{fails: true}, nil
		}
		return c, fmt.Errorf("%w: %s", err, last(out))
	}
	for _, l := range dryLine.FindAllStringSubmatch(out, -1) {
		t := l[3]
		if t == "" {
			t = l[2]
		}
		c.types = append(c.types, strings.ToUpper(t))
	}
	c.needs = strings.Contains(out, "will require an imatrix")
	return c, nil
}

func caratTypes(v variant, m mode, typ string) (c chosen, err error) {
	ft, err := recipe.ParseFileType(typ)
	if err != nil {
		return c, err
	}
	r := recipe.New(ft, v.md, v.infos, recipe.Options{HasImatrix: m.lacking != nil})
	for _, t := range v.infos {
		d, err := r.Next(t)
		if err != nil {
			return chosen{fails: true}, nil
		}
		c.types = append(c.types, strings.ToUpper(d.Type.String()))
	}
	if m.lacking == nil {
		_, err := quantize.NewPlan(v, quantize.Options{FileType: ft, Threads: 1})
		c.needs = err != nil && strings.Contains(err.Error(), "needs an importance matrix")
	}
	return c, nil
}

// first names the first difference.
func first(infos []gguf.TensorInfo, ours, theirs chosen) string {
	for i := range min(len(ours.types), len(theirs.types)) {
		if ours.types[i] != theirs.types[i] {
			return fmt.Sprintf("%s %v: carat %s, llama-quantize %s", infos[i].Name, infos[i].Shape, ours.types[i], theirs.types[i])
		}
	}
	return fmt.Sprintf("%d tensors, needs importance weights: %v, fails: %v; llama-quantize: %d, %v, %v",
		len(ours.types), ours.needs, ours.fails, len(theirs.types), theirs.needs, theirs.fails)
}
