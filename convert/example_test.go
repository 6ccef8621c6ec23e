package convert_test

import (
	"fmt"
	"log"

	"github.com/carat-llm/carat/convert"
)

// A checkpoint folder is a model like a GGUF file: nothing is converted before rows are read.
func ExampleOpenPath() {
	m, err := convert.OpenPath("../testdata/tiny-llama", convert.Options{OutType: "bf16"})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	fmt.Println(m.Metadata().Architecture(), len(m.Tensors()), "tensors")
	for _, t := range m.Tensors() {
		if i := t.Info(); i.Name == "blk.0.ffn_down.weight" {
			fmt.Println(i.Type, i.Shape, i.Bytes(), "bytes")
		}
	}
	// Output:
	// llama 38 tensors
	// BF16 [768 256] 393216 bytes
}
