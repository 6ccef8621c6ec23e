package names

// Models are the values of tokenizer.ggml.model that llama.cpp reads, src/llama-vocab.cpp; "none" and "no_vocab" are
// those of models without a vocabulary.
var Models = []string{"llama", "gpt2", "bert", "t5", "rwkv", "plamo2", "gemma4", "hybriddna", "whitespace", "none", "no_vocab"}
