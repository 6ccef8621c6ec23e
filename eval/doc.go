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
// # Standard errors
//
// StdErr values treat tokens as independent, as llama-perplexity does; ClusteredStdErr values treat chunks
// as independent, which is the honest figure, because tokens of one chunk are correlated.
//
// Sums are taken in the order of the text, so results do not depend on the number of threads.
package eval
