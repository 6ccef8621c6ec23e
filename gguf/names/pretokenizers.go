package names

// Regular expressions that several names share.
const (
	contractions = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`

	// GPT2 is what ByteLevel does by itself.
	GPT2 = `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	// Digit is what Digits does by itself.
	Digit = `\p{N}`

	endings  = `| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	word     = `[^\r\n\p{L}\p{N}]?\p{L}+|`
	llama3   = contractions + `|` + word + `\p{N}{1,3}` + endings
	qwen2    = contractions + `|` + word + `\p{N}` + endings
	upper    = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
	lower    = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
	before   = `[^\r\n\p{L}\p{N}]?`
	slashes  = `| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	cased    = before + upper + `*` + lower + `+` + contractions + `?|` + before + upper + `+` + lower + `*` + contractions + `?|`
	gpt4o    = cased + `\p{N}{1,3}` + slashes
	tekken   = before + upper + `*` + lower + `+|` + before + upper + `+` + lower + `*|\p{N}` + slashes
	kana     = `[一-龥぀-ゟ゠-ヿ]+`
	hanzi    = `[一-龥ࠀ-一가-퟿]+`
	deepseek = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+" +
		`|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	bloom = ` ?[^(\s|.,!?…。，、।۔،)]+`
)

// group are pre-tokenizers that differ in nothing but the name. The most general comes first.
type group struct {
	names []string
	PreTokenizer
}

// groups are in the order of preference for those that split alike.
var groups = []group{
	{[]string{"gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0", "mellum",
		"modern-bert", "exaone4", "jina-v1-en", "jina-v2-code", "roberta-bpe", "jais", "trillion", "granite-docling"},
		PreTokenizer{Splits: []string{GPT2}}},
	{[]string{"olmo", "mpt"}, PreTokenizer{Splits: []string{GPT2}, NFC: true}},
	{[]string{"smollm", "starcoder", "refact", "codeshell", "exaone", "minerva-7b", "mellum2"},
		PreTokenizer{Splits: []string{Digit, GPT2}}},
	{[]string{"command-r"}, PreTokenizer{Splits: []string{Digit, GPT2}, NFC: true}},
	{[]string{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"},
		PreTokenizer{Splits: []string{llama3}, IgnoreMerges: true, AddBOS: true}},
	{[]string{"smaug-bpe"}, PreTokenizer{Splits: []string{llama3}, IgnoreMerges: true}},
	{[]string{"glm5"}, PreTokenizer{Splits: []string{llama3}, IgnoreMerges: true, NoBOS: true}},
	{[]string{"glm4", "chatglm-bpe"}, PreTokenizer{Splits: []string{llama3}, NoBOS: true}},
	{[]string{"dbrx"}, PreTokenizer{Splits: []string{llama3}}},
	{[]string{"qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2"}, PreTokenizer{Splits: []string{qwen2}, NFC: true}},
	{[]string{"stablelm2", "megrez", "hunyuan", "solar-open", "grok-2", "bailingmoe", "bailingmoe2", "llada-moe"},
		PreTokenizer{Splits: []string{qwen2}}},
	{[]string{"ufakzeka"}, PreTokenizer{Splits: []string{word + `\p{N}` + endings}}},
	{[]string{"seed-coder"}, PreTokenizer{Splits: []string{
		contractions + `|` + word + `\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+`}}},
	{[]string{"qwen35"}, PreTokenizer{NFC: true, Splits: []string{
		contractions + `|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`}}},
	{[]string{"exaone-moe"}, PreTokenizer{Splits: []string{
		contractions + `|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]+|\s+(?!\S)|\s+`}}},
	{[]string{"jais-2"}, PreTokenizer{Splits: []string{
		contractions + `|` + word + `\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)` +
			`|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}`}}},
	{[]string{"minicpm5"}, PreTokenizer{IgnoreMerges: true, Splits: []string{
		`\p{N}{1,3}`, contractions + `|` + word + `\p{N}+` + endings}}},
	{[]string{"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"},
		PreTokenizer{Splits: []string{gpt4o}, IgnoreMerges: true, EitherMerges: true}},
	{[]string{"tekken"}, PreTokenizer{Splits: []string{tekken}, IgnoreMerges: true, AddBOS: true}},
	{[]string{"cohere2moe", "tiny_aya"}, PreTokenizer{Splits: []string{`\d{1,3}(?=(?:\d{3})*\b)`, gpt4o}}},
	{[]string{"youtu"}, PreTokenizer{IgnoreMerges: true, Splits: []string{
		`[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|` + kana, cased + `\p{N}` + slashes}}},
	{[]string{"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"}, PreTokenizer{Splits: []string{`\p{N}{1,3}`, kana, deepseek}}},
	{[]string{"deepseek-coder"}, PreTokenizer{Splits: []string{`[\r\n]`, `\s?\p{L}+`, `\s?\p{P}+`, hanzi, Digit}}},
	{[]string{"falcon"}, PreTokenizer{Splits: []string{"[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, `[0-9][0-9][0-9]`}}},
	{[]string{"bloom", "gpt3-finnish", "poro-chat"}, PreTokenizer{Splits: []string{bloom}}},
	{[]string{"viking"}, PreTokenizer{Splits: []string{bloom, Digit}}},
	{[]string{"laguna"}, PreTokenizer{Splits: []string{`[^\n]+|[\n]+`, qwen2}}},
	{[]string{"default"}, PreTokenizer{Splits: []string{`[\p{P}\$\+<=>\^~\|]+`, GPT2, `\p{N}+`, `[0-9][0-9][0-9]`}}},

	// Known by name alone: they need more than regular expressions over bytes, or split by long lists of characters.
	{[]string{"gemma4", "granite-embed-multi-311m", "sarvam-moe", "whitespace"}, PreTokenizer{}},
	{[]string{"afmoe", "chameleon", "deepseek-llm", "granite-embed-multi-97m", "kimi-k2", "spark2_5", "superbpe"}, PreTokenizer{}},
}

var preTokenizers = func() []PreTokenizer {
	var out []PreTokenizer
	for _, g := range groups {
		for _, n := range g.names {
			p := g.PreTokenizer
			p.Name = n
			out = append(out, p)
		}
	}
	return out
}()
