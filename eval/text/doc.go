// Package text reads evaluation texts and cuts them into the chunks that models are measured over.
//
// [ReadTexts] reads a file as one slice, or a .jsonl file as several; [NewCorpus] tokenizes and cuts them.
//
// # Protocol
//
// Chunks are those of llama-perplexity, so that figures compare: a text is tokenized once and cut into chunks of Context
// tokens; the first token of every chunk is replaced by the beginning-of-text token when the model wants one; the second
// half of each chunk is scored, Context - Context/2 - 1 tokens. See [Options] for the sliding-window variant.
//
// # Models of different tokenizers
//
// Perplexities per token of different tokens do not compare; bits per byte of the same bytes do. [NewCorpora] cuts the
// text for that by what all tokenizers have in common: a chunk is the longest stretch that has at most Context tokens
// for every model and begins and ends between tokens of all. Its second half by bytes, from the first common bound
// on, is scored. So all models see the same bytes, with the same bytes before them, and chunks pair across tokenizers:
// what a hard passage costs all of them cancels out. The beginning-of-text token goes before a chunk, not in the
// place of a token. Text is taken in Unicode normalization form C, as some tokenizers would read it. A model's bits
// are those of the tokens that its tokenizer makes of the text; other tokens that spell the same are not added up.
package text
