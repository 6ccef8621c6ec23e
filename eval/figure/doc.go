// Package figure has the figures of text: one [Table] says of each its name, unit and format, which way is better, where a
// report holds it and how its limits are computed. Package report adds those that a report says outright: sizes, speeds,
// tasks. Adding a figure is adding a row.
//
// A [Series] is what one model did over the chunks of a corpus: sums, from which every figure of text is computed, of
// one slice or of all. [Series.Limits] gives a figure with its confidence limits over chunks, [Relative] the relative
// difference of two series, and [Series.Metrics] all figures at once, as reports hold them.
//
// # Standard errors
//
// StdErr values treat tokens as independent, as llama-perplexity does; ClusteredStdErr values treat chunks
// as independent, which is the honest figure, because tokens of one chunk are correlated.
package figure
