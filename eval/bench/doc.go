// Package bench measures speed, memory and energy of a model on this machine, and says what such figures can
// and cannot show.
//
// # Protocol
//
// A [Spec] is one timing: a prompt evaluated in one call, tokens decoded one by one, or a prompt followed by
// decoding, each on a KV cache that holds a number of tokens already (the depth). [Measure] runs each once without
// counting it, then several times; every repetition starts from the same cache. Tokens are pseudo-random from a
// fixed sequence: their values do not matter to a dense model, and with experts they decide which are read.
// As in llama-bench, tokenizing, sampling and detokenizing are not counted, nor is filling the cache to the depth.
//
//   - tokens per second: the tokens of a repetition over its time; the median of repetitions is the figure to quote;
//   - time to first token: from the call with the prompt to its last token's logits, over repetitions;
//   - inter-token latency: the time of each decoding step, over all steps of all repetitions;
//   - load time ([MeasureLoad]): from opening the file to the first token's logits, with the file's pages dropped
//     from the page cache beforehand (cold, where the system does it) and with them in it (warm);
//   - memory: the process's peak of resident memory, mapped weights included, so measure one model a process;
//     beside it what is mapped and what the session holds;
//   - energy ([Meter]): package counters of RAPL while decoding, with and without what the idle machine takes.
//     They count the whole package: other work on the machine counts, too; memory often does not.
//
// Figures that no machine changes come from shapes alone ([WorkOf]): bytes of weights read and multiply-adds for a
// token. Attention over the cache is in neither.
//
// # Comparing
//
// Machines drift: clocks, heat, neighbours. [Compare] therefore measures two models turn by turn, A B B A in each
// round, so that a steady drift cancels out, and judges the median of the rounds' ratios with its bootstrap
// interval. The same is done with model A and itself (A/A); what differs there is noise, and no difference below it
// can be judged: see [Comparison.Reading].
//
// A [Clock] can be given, so tests need no time.
package bench
