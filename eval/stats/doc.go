// Package stats holds the statistics that carat's figures are judged by.
//
// Tokens of one chunk of text are correlated, so chunks ("clusters") are the independent units here: a
// figure is a ratio of sums over clusters ([Ratio]), its standard error the spread between them, and its
// confidence limits come from Student's t with one degree of freedom less than clusters, corrected for skewness
// ([Student]). Percentiles have limits by shares of tokens ([Quantile], [QuantileQuotient]), shares by clusters and
// the exact binomial ([Share]). For other statistics there is the bootstrap over clusters ([Bootstrap]).
//
// [Limits] is what all give: one-sided limits at any level, and the p-value of either side of a bound.
// A gate passes when the limit is on the right side, not when the value is.
//
// Nothing here depends on time, threads or a random seed: resampling uses a fixed sequence.
package stats
