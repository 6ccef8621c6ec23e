// Package task scores models on sets of questions, by the rules of the tools that people compare with, so that
// figures compare too.
//
// A task ([Task], listed in task.go) is two things: how its items are read from a file, and how one item is scored.
// [Read] reads a file, compressed by gzip or bzip2 or not; [Run] asks a candidate, and a reference beside it, and
// counts.
//
// # HellaSwag, ARC, MMLU, TruthfulQA: several answers
//
// Each answer is tokenized together with its context, one space between. The tokens that all sequences begin with
// are the common prefix; an answer's score is the mean log-probability of its tokens after it, and the largest
// wins, the first of equals. This is what llama-perplexity --hellaswag and --multiple-choice do (and print as
// acc_norm). An answer that is the beginning of another keeps one token of its own.
//
// Normalized is lm-evaluation-harness's acc_norm: the log-probability of all tokens after the context's, divided by
// the answer's length in bytes.
//
// # Winogrande
//
// Two choices fill one gap. As llama-perplexity --winogrande does, the text after the gap is scored: the mean
// log-probability of its tokens but the last (the full stop), given the sentence with each choice. When one of the two
// has fewer than four tokens after the common prefix, the choice itself is scored with them. Equals count for the
// second choice.
//
// Two differences from llama-perplexity, both its known faults: it loses the last item of every file (with a limit,
// [SelectLlama] draws from the same items), and in that rare case of few tokens it predicts the second choice's first
// token from the logits of another position ("FIXME" in its source). Doubled quotes in a CSV's sentence stay doubled,
// as there.
//
// # LAMBADA
//
// The last word of a passage, with the space before it, is right when each of its tokens is the likeliest one: what
// greedy generation would write. Perplexity is exp of the mean negative log-probability of the words, as in
// lm-evaluation-harness (lambada_openai).
//
// # GSM8K
//
// The model continues "Question: ...\nAnswer:" greedily, after worked examples if given, until it begins another
// question, ends, or has written Options.MaxTokens. It is right when the last number it wrote equals the number
// after #### in the item's answer. Thousands separators, currency signs and trailing zeros do not matter. This is
// lm-evaluation-harness's gsm8k with the filter flexible-extract.
//
// # Which items
//
// A limit takes part of a file. [SelectLlama], the default, draws the items that llama-perplexity draws with
// --hellaswag-tasks N and so on, from the generator mt19937 with seed 1; [SelectFirst] takes the first.
//
// # Tolerance
//
// On F32 weights with an F32 cache every answer is llama-perplexity's: 246 of 246 on SmolLM2-135M (HellaSwag, Winogrande, ARC
// easy and challenge; TestGoldenLlamaPerplexity). On quantized weights llama-perplexity rounds activations to 8 bits and, by
// default, keys and values to F16, which this runtime does not, so answers that are almost equally likely may change
// places. With Q4_1, of 200 items each, 0 differ for HellaSwag, 2 and 7 for ARC easy and challenge, and 21 for
// Winogrande, where the model is near chance; the scores are 0, 1, 0.5 and 3.5 points apart.
//
// # Statistics
//
// Accuracies have Wilson intervals. Beside a reference, items that flip are counted both ways, and McNemar's exact
// test says whether accuracy changed (package eval/stats). Figures do not depend on the number of threads.
package task
