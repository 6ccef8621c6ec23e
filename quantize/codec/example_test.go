package codec_test

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/quantize/codec"
)

// A row of 32 weights becomes 18 bytes, and weights again.
func Example() {
	row := make([]float32, 32)
	for i := range row {
		row[i] = float32(i-16) / 16
	}
	q4, _ := codec.For(gguf.Q4_0)
	encoded := make([]byte, q4.Type.RowBytes(int64(len(row))))
	q4.Encode(encoded, row, len(row), nil)
	decoded := make([]float32, len(row))
	q4.Decode(decoded, encoded)
	fmt.Println(len(encoded), "bytes:", row[3], "became", decoded[3])
	// Output: 18 bytes: -0.8125 became -0.75
}
