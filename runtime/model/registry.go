package model

import "strings"

// architecture is one family: the name in general.architecture and the function that builds its graph.
// Errors are kept by the loader.
type architecture struct {
	name  string
	build func(l *loader) *graph
}

// architectures lists what the runtime evaluates.
var architectures = []architecture{
	{"llama", buildLlama},
	{"qwen2", buildQwen2},
	{"qwen2moe", buildQwen2MoE},
	{"qwen3", buildQwen3},
	{"qwen3moe", buildQwen3MoE},
	{"olmoe", buildOLMoE},
	{"gemma3", buildGemma3},
	{"phi3", buildPhi3},
	{"gpt2", buildGPT2},
	{"gemma", buildGemma},
	{"gemma2", buildGemma2},
	{"olmo", buildOLMo},
	{"olmo2", buildOLMo2},
	{"smollm3", buildSmolLM3},
	{"granite", buildGranite},
	{"granitemoe", buildGraniteMoE},
	{"arcee", buildArcee},
	{"seed_oss", buildSeedOSS},
	{"chatglm", buildGLM},
	{"glm4", buildGLM4},
	{"stablelm", buildStableLM},
	{"starcoder", buildStarCoder},
	{"starcoder2", buildStarCoder2},
	{"phi2", buildPhi2},
	{"gptneox", buildGPTNeoX},
	{"falcon", buildFalcon},
	{"command-r", buildCommandR},
	{"cohere2", buildCohere2},
	{"exaone4", buildEXAONE4},
	{"hunyuan-dense", buildHunYuanDense},
	{"nemotron", buildNemotron},
	{"qwen2vl", buildQwen2VL},
	{"qwen3vl", buildQwen3VL},
	{"qwen3vlmoe", buildQwen3VLMoE},
	{"mistral3", buildMistral3},
	{"bloom", buildBloom},
	{"mpt", buildMPT},
	{"ernie4_5", buildErnie4_5},
	{"ernie4_5-moe", buildErnie4_5MoE},
	{"dots1", buildDots1},
	{"glm4moe", buildGLM4MoE},
	{"minimax-m2", buildMiniMaxM2},
	{"phimoe", buildPhiMoE},
	{"gpt-oss", buildGPTOSS},
	{"llama4", buildLlama4},
	{"afmoe", buildAFMoE},
	{"exaone-moe", buildEXAONEMoE},
	{"deepseek2", buildDeepSeek2},
	{"mamba", buildMamba},
	{"apertus", buildApertus},
	{"gemma3n", buildGemma3n},
	{"gemma4", buildGemma4},
	{"bert", buildBERT},
	{"nomic-bert", buildNomicBERT},
	{"nomic-bert-moe", buildNomicBERTMoE},
	{"jina-bert-v2", buildJinaBERT2},
	{"jina-bert-v3", buildJinaBERT3},
	{"modern-bert", buildModernBERT},
	{"neo-bert", buildNeoBERT},
	{"eurobert", buildEuroBERT},
	{"t5", buildT5},
	{"bitnet", buildBitNet},
	{"deepseek", buildDeepSeek},
	{"exaone", buildEXAONE},
	{"internlm2", buildInternLM2},
	{"hunyuan-moe", buildHunYuanMoE},
	{"minicpm", buildMiniCPM},
	{"minicpm3", buildMiniCPM3},
	{"bailingmoe", buildBailing},
	{"bailingmoe2", buildBailing2},
	{"orion", buildOrion},
	{"baichuan", buildBaichuan},
	{"gemma-embedding", buildGemmaEmbedding},
	{"mamba2", buildMamba2},
	{"jamba", buildJamba},
	{"falcon-h1", buildFalconH1},
	{"granitehybrid", buildGraniteHybrid},
	{"nemotron_h", buildNemotronH},
	{"nemotron_h_moe", buildNemotronH},
	{"lfm2", buildLFM2},
	{"lfm2moe", buildLFM2MoE},
	{"qwen3next", buildQwen3Next},
	{"qwen35", buildQwen35},
	{"qwen35moe", buildQwen35MoE},
}

// Architectures lists the values of general.architecture that Load accepts.
func Architectures() []string {
	names := make([]string, len(architectures))
	for i, a := range architectures {
		names[i] = a.name
	}
	return names
}

func architectureNames() string { return strings.Join(Architectures(), ", ") }
