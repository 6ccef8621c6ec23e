// Package overlap finds evaluation text that is in the calibration text, too: what a model was calibrated on says
// little about how it does on anything else.
//
// # What is compared
//
// Texts are sequences of words, whatever their case, punctuation and white space. A word is a run of letters and
// digits; in scripts that put no spaces between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) it is one
// character with its marks, so that one rule serves all texts and mixed ones and no dictionary is needed. An
// n-gram is n words in a row. 13 is the length that the GPT-3 paper checks contamination with (Brown et al., 2020,
// appendix C): in English text that long hardly ever recurs by chance. 13 characters are rather 6 to 8 words; set
// phrases can be as long, so for such scripts take 20 or allow a small share.
//
// # What is found
//
// [Check] gives, for each calibration and evaluation text, the share of the evaluation text's n-grams that the
// calibration text holds somewhere, the number of runs that they form, and the longest passage that stands in both
// as it is, with its place. Files are identified by SHA-256; two with the same one are the same text.
//
// # Memory
//
// N-grams are compared by 64-bit hashes (a wrong match among 10^8 times 10^6 of them has a chance of 1 in 200,000).
// Those of one evaluation text are in memory, about 60 bytes a word, and not more than [MaxWords]; the calibration
// text is walked through once and costs nothing beyond itself. An n-gram that the evaluation text repeats counts
// wherever it stands; only its last 16 places are looked at for the longest passage, so that the time is bounded.
package overlap
