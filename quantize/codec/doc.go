// Package codec encodes and decodes the tensor types of GGUF, one file a format family.
//
// A row of float32 is cut into blocks (32 elements for the older types, super-blocks of 256 for K-quants);
// each block is stored with its scales. For finds the codec of a type:
//
//	c, ok := codec.For(gguf.Q4_K)
//	c.Encode(dst, rows, cols, nil)     // rows x cols, row-major
//	c.Decode(out, dst)
//
// # Bytes are defined
//
// Encoders give the bytes of ggml's reference encoders (ggml-quants.c, built for plain x86-64) on every
// platform: sums are sequential float32, and every product that is then added is written float32(a*b),
// because Go fuses multiply and add on some targets. Decoders are exact in the same sense.
// Where there is assembly, the Go of the type's file is its specification. In decoders elements do not meet; encoders
// have a block in each lane of a vector, so that sums keep their order (lanes_amd64.go). What is regular is written by
// the generator in _gen. The tier in use is package cpu's.
//
// Most encoders are three steps: fit finds the grid of a block, its scales and minima as they are stored; round lays the
// elements on it; pack writes both.
//
// # Importance weights
//
// Encode takes one weight a column, the same for each row: how much the column's input activations weigh
// (an importance matrix). Without them each format has its own default weights.
//
// # What callers owe
//
// src of Encode holds whole rows, cols a multiple of the type's block size, weights nil or cols long; dst has
// room for gguf.Type.RowBytes of every row. Shorter buffers panic as any slice does; longer ones are left alone
// beyond. Encode and Decode keep no state and do not allocate, but for the tables of the grid formats at their first
// use: call them from any number of goroutines, cut at any row, and the bytes are the same.
//
// Elements and weights must be finite. Others never panic, but what they become is not defined for block types.
// A finite element can still be too large: the f16 types and scales overflow to infinity from 65520 on, so
// decode what was encoded, or check magnitudes, when a checkpoint may hold such values.
package codec
