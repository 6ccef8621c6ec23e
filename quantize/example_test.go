package quantize_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/quantize"
	"github.com/carat-llm/carat/quantize/recipe"
)

// A plan is made from headers alone; running it reads, encodes and writes row by row.
func Example() {
	src, err := convert.OpenPath("../testdata/tiny-llama", convert.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	plan, err := quantize.NewPlan(src, quantize.Options{FileType: recipe.Q4_K_M})
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range plan.Tensors[:2] {
		fmt.Println(t.Name, t.Type)
	}

	dir, err := os.MkdirTemp("", "quantize")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "tiny-Q4_K_M.gguf")
	if err := plan.Run(context.Background(), out, nil); err != nil {
		log.Fatal(err)
	}
	st, err := os.Stat(out)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.1f MB\n", float64(st.Size())/1e6)
	// Output:
	// output_norm.weight F32
	// token_embd.weight Q6_K
	// 2.4 MB
}
