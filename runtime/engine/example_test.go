package engine_test

import (
	"fmt"
	"log"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/runtime/engine"
)

// A checkpoint folder is loaded and says which token it thinks is next.
func Example() {
	src, err := convert.OpenPath("../../testdata/tiny-llama", convert.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer src.Close()
	e, err := engine.Load(src, engine.Options{Threads: 1, Text: true})
	if err != nil {
		log.Fatal(err)
	}
	defer e.Close()
	tok, err := e.Tokenizer()
	if err != nil {
		log.Fatal(err)
	}
	ids, err := tok.Encode("In the beginning God created the", true, true)
	if err != nil {
		log.Fatal(err)
	}
	session, err := e.NewSession(len(ids))
	if err != nil {
		log.Fatal(err)
	}
	logits := make([]float32, e.Vocab()) // of the last position
	if err := session.Forward(ids, len(ids)-1, logits); err != nil {
		log.Fatal(err)
	}
	best := 0
	for id, l := range logits {
		if l > logits[best] {
			best = id
		}
	}
	fmt.Printf("%q\n", tok.Decode([]int32{int32(best)}))
	// Output: " LORD"
}
