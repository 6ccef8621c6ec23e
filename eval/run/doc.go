// Package run measures models over a corpus: candidates and a reference in lockstep over the same chunks, in one process.
//
// Every scored position gives each candidate's log-likelihood of the next token and, with a reference, the divergence
// of the two full distributions, in float64; [Run] adds them up by chunk into series, from which package figure
// computes. A [Reference] is a model ([Live], or [Record] to keep its predictions in files), or predictions that were
// kept ([Cached], [FromLlama]).
//
// A candidate that computes NaN or cannot go on ends the run with a [ModelError], or in a Tolerant run drops out of it
// alone; the figures of the others do not change.
//
// Sums are taken in the order of the text, so results do not depend on the number of threads.
package run
