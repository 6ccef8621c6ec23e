package clients

import (
	"slices"

	"github.com/carat-llm/carat/gguf"
)

// table holds what was read in the programs' sources or tried, in the autumn of 2026. Whoever adds a line says where the
// fact is from.
var table = []Client{
	// The types and architectures are defined there.
	{Name: "llama.cpp", Version: "llama.cpp"},
	// 0.17 runs llama.cpp b10488. It shows IQ4_XS and MXFP4 as unknown quantizations, but runs them.
	{Name: "ollama", Version: "Ollama 0.17"},
	// Runs GGUF with llama.cpp, whose releases it follows.
	{Name: "lmstudio", Version: "LM Studio"},
	// Its llama.cpp is of mid-2024, before TQ1_0 and all newer types. The architectures are KNOWN_ARCHES in
	// gpt4all-backend/src/llamamodel.cpp. Pre-tokenizers that are newer it does not know either.
	{Name: "gpt4all", Version: "GPT4All 2.8", types: slices.Concat(floats, kQuants, legacy, iQuants), architectures: []string{
		"llama", "falcon", "gpt2", "gptneox", "mpt", "baichuan", "starcoder", "refact", "bert", "nomic-bert", "bloom", "stablelm", "qwen",
		"qwen2", "qwen2moe", "phi2", "phi3", "codeshell", "orion", "internlm2", "gemma", "gemma2", "starcoder2", "xverse", "command-r",
		"olmo", "openelm", "deepseek2", "chatglm", "jais",
	}},
	// GgmlDType::from_u32 in candle-core/src/quantized/mod.rs; the prefixes of keys in candle-transformers' quantized_*.rs.
	{Name: "candle", Version: "candle 0.11", types: slices.Concat(floats, kQuants, legacy), architectures: []string{
		"llama", "gemma", "gemma2", "gemma3", "gemma-embedding", "glm4", "lfm2", "phi2", "phi3", "qwen2", "qwen3", "qwen3moe", "smollm3",
	}},
	// candle's types. GGUFArchitecture in mistralrs-core/src/gguf/mod.rs lists more names than it has pipelines for.
	{Name: "mistral.rs", Version: "mistral.rs 0.9", types: slices.Concat(floats, kQuants, legacy), architectures: []string{
		"llama", "gemma3", "mistral3", "phi2", "phi3", "qwen2", "qwen3", "qwen3moe", "starcoder2",
	}},
	// Tried with OpenVINO GenAI 2026.4, whose reader has these three architectures (guides/gguf of its documentation); the
	// GGUF frontend, which must be asked for (GGUF_READER), reads more.
	{Name: "openvino", Version: "OpenVINO GenAI 2026.4", types: []gguf.Type{gguf.F16, gguf.Q8_0, gguf.Q6_K, gguf.Q4_K, gguf.Q4_1, gguf.Q4_0, gguf.MXFP4},
		architectures: []string{"llama", "qwen2", "qwen3"}},
	// UNQUANTIZED_TYPES and DEQUANT_TYPES of vllm/model_executor/layers/quantization/gguf.py. Architectures follow
	// transformers and are not listed here.
	{Name: "vllm", Version: "vLLM", types: slices.Concat(floats, kQuants, legacy, iQuants)},
}

// Types that came together.
var (
	floats  = []gguf.Type{gguf.F32, gguf.BF16, gguf.F16}
	legacy  = []gguf.Type{gguf.Q8_0, gguf.Q5_1, gguf.Q5_0, gguf.Q4_1, gguf.Q4_0}
	kQuants = []gguf.Type{gguf.Q6_K, gguf.Q5_K, gguf.Q4_K, gguf.Q3_K, gguf.Q2_K}
	iQuants = []gguf.Type{gguf.IQ4_NL, gguf.IQ4_XS, gguf.IQ3_S, gguf.IQ3_XXS, gguf.IQ2_S, gguf.IQ2_XS, gguf.IQ2_XXS, gguf.IQ1_M, gguf.IQ1_S}
)
