// Package logits stores a reference's predictions, so that candidates can be compared with it without running it
// again. There are two formats.
//
// # The cache
//
// [Create] and [Open] write and read carat's own: for every scored position the log-probabilities of the likeliest
// tokens ([DefaultTop] of them) with their ids, the mass of all other tokens, and the log-probability of the token
// that follows: about 2 kB a position, whatever the vocabulary. The header says of which model and text it is, by
// SHA-256, and holds the chunks' tokens. A checksum a chunk makes every truncation and every changed byte an error.
// All numbers are little-endian:
//
//	magic "caratref", u32 version, u32 top, u32 vocab, u32 context, u32 stride, u32 chunks, u32 chunks written,
//	32 bytes SHA-256 of the model, 32 bytes SHA-256 of the text
//	chunks times: u32 slice, u32 first scored position, u32 tokens, that many i32
//	u32 CRC-32 (IEEE) of all before
//	chunks written times:
//	    for each scored position: f64 log-probability of the next token, f64 log of the remaining mass,
//	    n times f32 log-probability, n times i32 id, from the likeliest on; n is the smaller of top and vocab
//	    u32 CRC-32 of these
//
// # Divergence from it
//
// With S the n tokens kept, P and Q the mass that reference and candidate give to all others, [Row.Divergence] is
//
//	sum over S of p(log p - log q) + P(log P - log Q)
//
// which is the divergence of the two distributions after all tokens outside S were made one. By the log-sum
// inequality it can only be lower than that of the full distributions. What it lacks is
//
//	P KL(p/P || q/Q) over the others = sum of p log p - sum of p log q - P log P + P log Q
//
// of which all is known but the p of each: they sum to P, and none is larger than m, the smallest p kept. The lack
// is convex in them, so it is largest at a corner of that set: k = floor(P/m) tokens have m, one has the rest
// r = P - km, the others 0, and they are the tokens that the candidate finds least likely. With x = -log q, the
// largest sum of p x is the smallest value over t of Pt + m sum of max(x-t, 0), so
//
//	bound = k m log m + r log r + min over t of (Pt + m sum max(x-t, 0)) - P log P + P log Q
//
// and no smaller one follows from what is stored. The true divergence lies between the figure and the figure plus
// the bound, up to the rounding of log-probabilities to float32 (1e-6 nats). With a vocabulary of at most n tokens
// P is 0, and so is the bound.
//
// The bound is what can be proved, not what to expect: it lets all of the tail fall on tokens that the candidate all
// but rules out. For SmolLM2-135M with 256 of 49152 tokens kept, P is 0.017 on average, and Q8_0, Q4_K_M and Q2_K
// lack 3.5, 3.1 and 2.6 % of their divergence, while the bound is 0.35 nats. So figures from a cache compare with
// each other, and a limit that must hold for the full distributions wants them: run the reference beside, or keep
// more tokens.
//
// # llama.cpp's logits file
//
// [CreateLlama] and [OpenLlama] write and read what llama-perplexity --kl-divergence-base does: the log-probability
// of every token in 16 bits. See [LlamaHeader].
//
// Both kinds of writer take rows of logits in the order of the text, and leave nothing at the file's name until
// Close. Rows are read in the same order, one chunk or row in memory at a time.
package logits
