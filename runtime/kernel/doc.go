// Package kernel computes on float32 vectors and encoded weight matrices: the arithmetic of the runtime.
//
// # Matrix products
//
// [Pool.MatMul] multiplies activations (float32, one row a token) by a [Matrix] of any tensor type.
// A few weight rows are decoded to float32 once and then meet every activation row, so the cost of
// decoding is shared by the batch. Activations stay in float32: that is more exact than the 8-bit
// activations of the reference, and is what the perplexity of a format should be measured with.
//
// # Order of sums
//
// Every product of two vectors is summed in one order, whatever the batch size and the number of
// threads: blocks of [BlockCols] columns; in a block eight lanes, lane i taking the columns i, i+8,
// i+16, ...; the lanes joined as ((0+1)+(2+3))+((4+5)+(6+7)); blocks added left to right. A row of a
// result is therefore the same bits when a token is evaluated alone and when it is part of a batch.
// The tiers differ from each other in the last bits only (AVX2 fuses multiply and add).
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
// The generic tier is plain Go, always compiled, and is the specification. The AVX2 tier is assembly
// (build tags noasm and purego leave it out). The best tier the processor has is chosen at start;
// CARAT_CPU=generic or CARAT_CPU=avx2 chooses another, [cpu.Force] does so in tests.
package kernel
