package main

import (
	"fmt"

	"github.com/carat-llm/carat/gguf"
)

// Token types of tokenizer.ggml.token_type.
const (
	normalToken  = int32(1)
	unknownToken = int32(2)
	controlToken = int32(3)
	byteToken    = int32(6)
)

// addVocab adds a SentencePiece vocabulary of size tokens: the three special ones, the 256 bytes, and then
// strings of the letters and the space's mark, the shorter ones first. Every piece is so a shorter one and a letter,
// as merging needs, and every text has tokens.
func addVocab(md *gguf.Metadata, size int) {
	tokens, types := []string{"<unk>", "<s>", "</s>"}, []int32{unknownToken, controlToken, controlToken}
	for b := range 256 {
		tokens, types = append(tokens, fmt.Sprintf("<0x%02X>", b)), append(types, byteToken)
	}
	letters := []string{"▁"}
	for c := 'a'; c <= 'z'; c++ {
		letters = append(letters, string(c))
	}
	for shorter := []string{""}; len(tokens) < size; {
		var longer []string
		for _, s := range shorter {
			for _, c := range letters {
				longer = append(longer, s+c)
			}
		}
		for _, s := range longer[:min(len(longer), size-len(tokens))] {
			tokens, types = append(tokens, s), append(types, normalToken)
		}
		shorter = longer
	}
	scores := make([]float32, size)
	for i := len(scores) - 1; i > 258; i-- {
		scores[i] = -float32(i - 259)
	}
	md.Append("tokenizer.ggml.model", "llama")
	md.Append("tokenizer.ggml.pre", "default")
	md.Append("tokenizer.ggml.tokens", tokens)
	md.Append("tokenizer.ggml.scores", scores)
	md.Append("tokenizer.ggml.token_type", types)
	md.Append("tokenizer.ggml.bos_token_id", uint32(1))
	md.Append("tokenizer.ggml.eos_token_id", uint32(2))
	md.Append("tokenizer.ggml.unknown_token_id", uint32(0))
}
