// Package lora reads adapters as PEFT saves them, adapter_config.json and adapter_model.safetensors or .bin, and applies them to the tensors of a
// checkpoint.
//
// An adapter changes a weight W (out x in) by a product of two narrow matrices (Hu et al., 2021): A (r x in) and B (out x r) make of it
// W + s*B*A, where s is lora_alpha/r, or lora_alpha/sqrt(r) with rsLoRA (Kalajdzievski, 2023). DoRA (Liu et al., 2024) has beside it a
// length for each row, to which the rows of the sum are brought. Whole tensors may stand in the adapter, too (modules_to_save): they take
// the place of the checkpoint's.
//
// [Adapter.Merge] gives tensors that compute the sum as they are read, in float64 and rounded to float32 once, some rows at a time.
// [Adapter.Changes] gives the matrices themselves.
package lora
