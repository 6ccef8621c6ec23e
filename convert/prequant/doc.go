// Package prequant reads checkpoints whose weights are quantized already.
//
// Such a checkpoint has, in place of a weight, tensors of codes, scales, zero points and more. Tensors turns these into the
// weights that they stand for, each a tensor of float32 whose rows are decoded when they are read, so that what comes behind
// knows nothing of how they were published. Blocks of 4-bit floats that GGUF has, too (MXFP4, NVFP4), can also be had as they
// are, without loss.
//
// quantization_config of config.json, or a file beside it, names the method. Which tensors belong together is told by
// their names and types: what a checkpoint lists as not converted has no codes.
//
//	method               codes                    value                                               file
//	gptq, auto-round     qweight                  (q - zero - 1) * scale[g_idx]; version 2 without 1  gptq.go
//	awq, auto-round      qweight                  (q - zero) * scale                                  awq.go
//	bitsandbytes         weight, quant_state      quant_map[q] * absmax: nf4, fp4, nested or not      bnb4.go
//	bitsandbytes         weight, SCB              q * SCB / 127                                       bnb8.go
//	fp8, fbgemm_fp8      weight, weight_scale_inv f8 * scale of the tensor, the row or the block      scaled.go
//	compressed-tensors   weight, weight_scale     the same, and (q - zero) * scale of int8            scaled.go
//	compressed-tensors   weight_packed (I32)      (q - zero) * scale of the row or the group          packed.go
//	compressed-tensors   weight_packed (U8)       e2m1 * f8 / weight_global_scale                     nvfp4.go
//	modelopt             weight (U8, F8)          e2m1 * f8 * weight_scale_2, or f8 * weight_scale    nvfp4.go, scaled.go
//	mxfp4                blocks, scales           e2m1 * 2^(scale - 127)                              mxfp4.go
//	bitnet               weight (U8)              (q - 1) / weight_scale                              bitnet.go
//
// All arithmetic is float32 and rounds as the reference converter's does (convert_hf_to_gguf.py, dequant_model), or, where
// that refuses the method, as transformers' and the method's own library. Scales of activations and of a quantized
// key-value cache have no place in a weight: they are left out and counted.
//
// Shapes and types are checked against each other when the checkpoint is opened; errors name the file, the tensor, what was
// found and what was expected, and wrap gguf.ErrInput.
package prequant
