package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// quantization is quantizing a file of F16 to each type, beside copying the output.
func quantization(ctx context.Context, s *setup) (string, error) {
	const shape = "quarter"
	types := slices.DeleteFunc(slices.Concat(s.types, s.quantized), func(t string) bool { return t == "F16" || t == "F32" })
	model, err := s.models.random(ctx, shape, "F16")
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(s.models.dir, "quantize")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	threads := strconv.Itoa(s.threads)
	peers := slices.DeleteFunc(slices.Clone(s.peers), func(p peer) bool { return len(p.extra) > 0 || p.role == "" && !p.ik })
	columns := []string{"", "carat"}
	for _, p := range peers {
		columns = append(columns, p.name)
	}
	columns = append(columns, "cp and sync of the output")
	for _, p := range peers {
		columns = append(columns, p.name+" / carat")
	}
	var entries []entry
	for _, ft := range types {
		var weights []string
		if slices.Contains(weighted, ft) {
			m, err := s.models.importance(ctx, shape)
			if err != nil {
				return "", err
			}
			weights = []string{"--imatrix", m}
		}
		out := filepath.Join(dir, "out.gguf")
		carat := append([]string{s.models.carat, "quantize", model, "--type", ft, "-o", out, "--quiet", "--threads", threads}, weights...)
		entries = append(entries, fresh(out, s.whole(ft, "carat", carat, nil)), s.copied(ft, out, out+".copy"))
		for _, p := range peers {
			argv := append([]string{p.program("llama-quantize")}, weights...)
			entries = append(entries, fresh(out, s.whole(ft, p.name, append(argv, model, out, ft, threads), nil)))
		}
	}
	r, err := turns(ctx, s.rounds, s.until, entries)
	if err != nil {
		return "", err
	}
	t := newTable(append(columns, "cp / carat")...)
	for _, ft := range types {
		carat := r.lowest(ft, "carat", "s")
		row := []string{ft, of(carat, r.median(ft, "carat", "s"))}
		for _, p := range peers {
			row = append(row, of(r.lowest(ft, p.name, "s"), r.median(ft, p.name, "s")))
		}
		row = append(row, of(r.lowest(ft, "cp", "s"), r.median(ft, "cp", "s")))
		for _, p := range peers {
			row = append(row, ratio(r.lowest(ft, p.name, "s"), carat))
		}
		t.row(append(row, ratio(r.lowest(ft, "cp", "s"), carat))...)
	}
	lines := []string{"go run ./scripts/synth --shape quarter -o quarter-f16.gguf", "carat quantize quarter-f16.gguf --type T -o out.gguf --quiet --threads " + threads}
	for range peers[:min(1, len(peers))] {
		lines = append(lines, "llama-quantize quarter-f16.gguf out.gguf T "+threads)
	}
	return s.caption("Quantizing F16 of 280M weights (a quarter of the 1.1B shape), whole commands, seconds. carat's also makes the file durable") + "\n" + code(lines...) + "\n" + t.String() + failures(r.failed), nil
}

// copied is an entry "cp": copying a file and making the copy durable.
func (s *setup) copied(row, from, to string) entry {
	return fresh(to, s.whole(row, "cp", []string{"sh", "-c", `cp "$0" "$1" && sync "$1"`, from, to}, nil))
}

// fresh is e with no file of a former round in its way.
func fresh(out string, e entry) entry {
	take := e.take
	e.take = func(ctx context.Context) (map[string]float64, error) {
		if err := os.Remove(out); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		return take(ctx)
	}
	return e
}

// conversion is writing SmolLM2's checkpoint as GGUF, beside copying its weights.
func conversion(ctx context.Context, s *setup) (string, error) {
	if s.folder == "" {
		return "", errors.New("--checkpoint is missing")
	}
	dir, err := os.MkdirTemp(s.models.dir, "convert")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "out.gguf")
	entries := []entry{s.copied("", filepath.Join(s.folder, "model.safetensors"), filepath.Join(dir, "copy"))}
	names := []string{"cp"}
	for _, t := range []string{"bf16", "f16"} {
		entries = append(entries, fresh(out, s.whole("", t, []string{s.models.carat, "convert", s.folder, "--outtype", t, "-o", out, "--quiet", "--threads", strconv.Itoa(s.threads)}, nil)))
		names = append(names, t)
	}
	r, err := turns(ctx, max(s.rounds, 3), s.until, entries)
	if err != nil {
		return "", err
	}
	t := newTable("", "seconds", "cp / it")
	for _, n := range names {
		t.row(n, of(r.lowest("", n, "s"), r.median("", n, "s")), ratio(r.lowest("", "cp", "s"), r.lowest("", n, "s")))
	}
	return s.caption("Converting SmolLM2-135M's checkpoint (BF16), whole command, beside cp and sync of its weights") + "\n" +
		code("carat convert SmolLM2-135M --outtype T -o out.gguf --quiet", "cp model.safetensors copy && sync copy") + "\n" + t.String() + failures(r.failed), nil
}
