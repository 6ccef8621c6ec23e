// Package kernel computes on float32 vectors and encoded weight matrices: the arithmetic of the runtime.
//
// # Matrix products
//
// A [Multiplier] multiplies activations (float32, one row a token) by matrices of any tensor type. Weights of integers, which
// are all block formats (codec.Integers), are arranged in panels when a model is loaded ([Prepare]): 16 rows side by side, one
// in each lane of a vector, codes as narrow as in the file. Activations are rounded to integers with a scale for each 32
// columns, once for all matrices that they meet; [Compute] says how:
//
//   - [Exact]: 15 bits. The mean KL divergence that this costs is below a millionth of a nat.
//   - [Fast]: 8 bits or, for many tokens where the processor has tiles, BF16 with the weights as BF16.
//
// A stage unpacks the codes of a few panels and a stretch of columns; tiles multiply them with a few tokens each. A new format
// is a line in codec's table; a new width of codes is an unpacker. A few tokens are computed without a stage.
//
// # Order of sums
//
// What is summed as integers has no order: products of a block of 32 columns. Blocks are added left to right, with fused
// multiply-add and in one accumulator (see tile). Weights that are floats are multiplied as float32 in lanes. So
// a result of exact computation is the same bits for any batch, number of threads, tier and platform. In fast computation
// it may depend on the tier and, with tiles, on whether a batch has more than a few tokens.
//
// # Workers
//
// Work is cut into chunks, which the workers of a [Pool] take one by one; a model has one pool for all its sequences.
// An operation that a token needs allocates nothing: its buffers come from the worker's [Scratch].
//
// # Vectors
//
// Norms, activations, softmax and rotary positions are the same bits on every tier and platform:
//
//   - each operation is float32, rounded to nearest, and nothing is fused but where multiply-add is said to be; it is
//     rounded once then (VFMADD, FMLA, or float64 and rounding to odd in plain Go);
//   - sums have 16 lanes, lane i taking elements i, i+16, ...; the lanes are joined 16 to 8, 4, 2, 1, lane i with the one
//     half of them further;
//   - exp is a function of our own, and everything that needs it is made from it; division and square root are IEEE's.
//
// Which NaN a NaN is is not defined.
//
// # Tiers
//
// The generic tier is plain Go, always compiled, and is the specification. The others are assembly (build tags noasm and
// purego leave it out), of which _gen writes what is regular: AVX2, AVXVNNI, AVX512 and AMX of amd64, NEON of arm64. A tier has the
// operations of the tier below it and changes some. The best tier the processor has is chosen at start; CARAT_CPU chooses
// another, [cpu.Force] does so in tests.
package kernel
