// Package eval measures models: perplexity, and how far a candidate's predictions are from a reference's
// (Kullback-Leibler divergence).
//
// # Protocol
//
// Perplexity follows llama-perplexity, so that figures compare: the text is tokenized once and cut into
// chunks of Context tokens; the first token of every chunk is replaced by the beginning-of-text token when
// the model wants one; the second half of each chunk is scored, Context - Context/2 - 1 tokens. See Options
// for the sliding-window variant.
//
// # Divergence
//
// A candidate and a reference run in lockstep over the same chunks in one process. Nothing is stored:
// every scored position contributes the divergence of its two full distributions, in float64.
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
//
// # Standard errors
//
// StdErr values treat tokens as independent, as llama-perplexity does; ClusteredStdErr values treat chunks
// as independent, which is the honest figure, because tokens of one chunk are correlated.
//
// Sums are taken in the order of the text, so results do not depend on the number of threads.
package eval
