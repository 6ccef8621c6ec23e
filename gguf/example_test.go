package gguf_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/carat-llm/carat/gguf"
)

// A file is written header first, has its name when it is whole, and is read by rows.
func Example() {
	dir, err := os.MkdirTemp("", "gguf")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "small.gguf")

	md := &gguf.Metadata{}
	md.Set("general.architecture", "llama")
	w, err := gguf.Create(path, md, []gguf.TensorInfo{{Name: "norm.weight", Type: gguf.F32, Shape: []int64{2}}})
	if err != nil {
		log.Fatal(err)
	}
	defer w.Abort() // nothing after Commit
	if err := w.WriteAt(0, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0x40}, 0); err != nil {
		log.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		log.Fatal(err)
	}

	f, err := gguf.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	fmt.Println(f.Metadata().Architecture())
	for _, t := range f.Tensors() {
		fmt.Println(t.Info().Name, t.Info().Type, t.Info().Bytes(), "bytes")
	}
	// Output:
	// llama
	// norm.weight F32 8 bytes
}
