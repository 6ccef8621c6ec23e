package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// write stores what llama-quantize did.
func (d *differ) write(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "files.txt"), []byte(strings.Join(d.files, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write([]byte(d.types.String())); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "types.txt.gz"), b.Bytes(), 0o644)
}

// describe writes the model that the lines after it are about: the metadata that rules ask for, and the tensors.
func (v variant) describe(b *strings.Builder, name string) {
	arch := v.md.Architecture()
	fmt.Fprintf(b, "model %s %s", strings.ReplaceAll(name, " ", "/"), arch)
	for _, key := range []string{"block_count", "expert_count", "attention.head_count", "attention.head_count_kv", "nextn_predict_layers"} {
		if n, ok := v.md.Int(arch + "." + key); ok {
			fmt.Fprintf(b, " %s=%d", key, n)
		} else if a := v.md.Ints(arch + "." + key); len(a) > 0 {
			fmt.Fprintf(b, " %s=%d", key, a[0])
		}
	}
	fmt.Fprintln(b)
	for _, t := range v.infos {
		fmt.Fprintf(b, "tensor %s %s %s\n", t.Name, t.Type, strings.Trim(strings.ReplaceAll(fmt.Sprint(t.Shape), " ", ","), "[]"))
	}
}

// describe writes the types of one file type, as runs.
func (c chosen) describe(b *strings.Builder, mode, typ string) {
	fmt.Fprintf(b, "types %s %s", mode, typ)
	if c.fails {
		fmt.Fprintln(b, " fails")
		return
	}
	for i := 0; i < len(c.types); {
		n := 1
		for i+n < len(c.types) && c.types[i+n] == c.types[i] {
			n++
		}
		fmt.Fprintf(b, " %s*%d", c.types[i], n)
		i += n
	}
	fmt.Fprintln(b)
}
