package names

// Regular expressions that several names share. The exported ones are those that runtime/tokenizer has scanners for.
const (
	contractions = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`

	// GPT2 is what ByteLevel does by itself.
	GPT2 = `'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	// Digit is what Digits does by itself, Digits when it does not divide runs, Digits3 its groups from the left.
	Digit   = `\p{N}`
	Digits  = `\p{N}+`
	Digits3 = `\p{N}{1,3}`
	// Lines are what texts with spaces written as ▁ are divided into.
	Lines = `[^\n]+|[\n]+`
	// Kana are the runs of Chinese and Japanese that DeepSeek V3 keeps apart.
	Kana = `[一-龥぀-ゟ゠-ヿ]+`

	endings = `| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	word    = `[^\r\n\p{L}\p{N}]?\p{L}+|`
	// Llama3 has numbers of up to three digits, Qwen2 single digits, and Qwen35 marks within words.
	Llama3 = contractions + `|` + word + `\p{N}{1,3}` + endings
	Qwen2  = contractions + `|` + word + `\p{N}` + endings
	Qwen35 = contractions + `|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

	upper   = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
	lower   = `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
	before  = `[^\r\n\p{L}\p{N}]?`
	slashes = `| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	cased   = before + upper + `*` + lower + `+` + contractions + `?|` + before + upper + `+` + lower + `*` + contractions + `?|`
	// GPT4o divides words where capitals begin; Tekken does too, but its contractions are words of their own.
	GPT4o  = cased + `\p{N}{1,3}` + slashes
	Tekken = before + upper + `*` + lower + `+|` + before + upper + `+` + lower + `*|\p{N}` + slashes
	// DeepSeek is what DeepSeek V3 does with what is neither digits nor Kana.
	DeepSeek = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+" +
		`|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

	// Punctuation and Punctuations are what Punctuation does, by characters and by runs.
	Punctuation  = "[\\p{P}!-/:-@\\[-`{-~]"
	Punctuations = "[\\p{P}\\$\\+<=>\\^~\\|`]+"

	hanzi = `[一-龥ࠀ-一가-퟿]+`
	bloom = ` ?[^(\s|.,!?…。，、।۔،)]+`
	// thousands are groups of three digits from the right.
	thousands = `\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))`
	// asian are the scripts that afmoe keeps apart: most have no spaces between words.
	asian = "[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u3040-\u309f\u30a0-\u30ff\uff65-\uff9f\u2f00-\u2fdf\u0e40-\u0e7f\u0e80-\u0eff" +
		"\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff\uac00-\ud7af\u1100-\u11ff]+"

	// Kimi K2's words are GPT-4o's, but without Chinese characters.
	notHan = `(?:(?!\p{Han})`
	kimi   = `\p{Han}+|` + before + notHan + upper + `)*` + notHan + lower + `)+` + contractions + `?|` +
		before + notHan + upper + `)+` + notHan + lower + `)*` + contractions + `?|\p{N}{1,3}` + endings
)

// group are pre-tokenizers that differ in nothing but the name. The most general comes first.
type group struct {
	names []string
	PreTokenizer
}

// groups are in the order of preference for those that split alike.
var groups = []group{
	{[]string{"gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0", "mellum",
		"exaone4", "jina-v1-en", "jina-v2-code", "roberta-bpe", "jais", "trillion", "granite-docling"},
		PreTokenizer{Splits: []string{GPT2}}},
	{[]string{"olmo", "mpt", "modern-bert"}, PreTokenizer{Splits: []string{GPT2}, NFC: true}},
	{[]string{"smollm", "starcoder", "refact", "codeshell", "exaone", "minerva-7b", "mellum2"},
		PreTokenizer{Splits: []string{Digit, GPT2}}},
	{[]string{"command-r"}, PreTokenizer{Splits: []string{Digit, GPT2}, NFC: true}},
	{[]string{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"},
		PreTokenizer{Splits: []string{Llama3}, IgnoreMerges: true, AddBOS: true}},
	{[]string{"smaug-bpe"}, PreTokenizer{Splits: []string{Llama3}, IgnoreMerges: true}},
	{[]string{"glm5"}, PreTokenizer{Splits: []string{Llama3}, IgnoreMerges: true, NoBOS: true}},
	{[]string{"glm4", "chatglm-bpe"}, PreTokenizer{Splits: []string{Llama3}, NoBOS: true}},
	{[]string{"dbrx"}, PreTokenizer{Splits: []string{Llama3}}},
	{[]string{"qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2"}, PreTokenizer{Splits: []string{Qwen2}, NFC: true}},
	{[]string{"stablelm2", "megrez", "hunyuan", "solar-open", "grok-2", "bailingmoe", "bailingmoe2", "llada-moe"},
		PreTokenizer{Splits: []string{Qwen2}}},
	{[]string{"ufakzeka"}, PreTokenizer{Splits: []string{word + `\p{N}` + endings}}},
	{[]string{"seed-coder"}, PreTokenizer{Splits: []string{
		contractions + `|` + word + `\p{N}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+`}}},
	{[]string{"qwen35"}, PreTokenizer{Splits: []string{Qwen35}, NFC: true}},
	{[]string{"exaone-moe"}, PreTokenizer{Splits: []string{
		contractions + `|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]+|\s+(?!\S)|\s+`}}},
	{[]string{"jais-2"}, PreTokenizer{Splits: []string{
		contractions + `|` + word + `\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)` +
			`|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}`}}},
	{[]string{"minicpm5"}, PreTokenizer{IgnoreMerges: true, Splits: []string{
		Digits3, contractions + `|` + word + `\p{N}+` + endings}}},
	{[]string{"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"},
		PreTokenizer{Splits: []string{GPT4o}, IgnoreMerges: true, EitherMerges: true}},
	{[]string{"tekken"}, PreTokenizer{Splits: []string{Tekken}, IgnoreMerges: true, AddBOS: true}},
	{[]string{"cohere2moe", "tiny_aya"}, PreTokenizer{Splits: []string{`\d{1,3}(?=(?:\d{3})*\b)`, GPT4o}}},
	{[]string{"youtu"}, PreTokenizer{IgnoreMerges: true, Splits: []string{
		`[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|` + Kana, cased + `\p{N}` + slashes}}},
	{[]string{"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"}, PreTokenizer{Splits: []string{Digits3, Kana, DeepSeek}}},
	{[]string{"deepseek-coder"}, PreTokenizer{Splits: []string{`[\r\n]`, `\s?\p{L}+`, `\s?\p{P}+`, hanzi, Digit}}},
	{[]string{"falcon"}, PreTokenizer{Splits: []string{Punctuations, GPT2, `[0-9][0-9][0-9]`},
		Also: [][]string{{Punctuations, GPT2, Digits, `[0-9][0-9][0-9]`}}}},
	{[]string{"bloom", "gpt3-finnish", "poro-chat"}, PreTokenizer{Splits: []string{bloom}}},
	{[]string{"viking"}, PreTokenizer{Splits: []string{bloom, Digit}}},
	{[]string{"laguna"}, PreTokenizer{Splits: []string{Lines, Qwen2}}},
	{[]string{"default"}, PreTokenizer{Splits: []string{`[\p{P}\$\+<=>\^~\|]+`, GPT2, Digits, `[0-9][0-9][0-9]`}}},

	{[]string{"afmoe"}, PreTokenizer{Reworded: true, Splits: []string{thousands, asian, DeepSeek}}},
	{[]string{"chameleon"}, PreTokenizer{AddBOS: true, Reworded: true, Splits: []string{
		`<sentinel:[0-9]+>`, `(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z`, `([\t\n]|    |  )`, Digit, Punctuation, GPT2}}},
	{[]string{"deepseek-llm"}, PreTokenizer{
		Reworded: true,
		Splits:   []string{`[\r\n]`, `\s?` + alphabets + `+`, fullwidth, `\s+$`, hanzi, Digits},
		Also:     [][]string{{`[\r\n]`, `\s?` + alphabets + `+`, fullwidth, `\s+$`, hanzi, Digit}}}},
	{[]string{"granite-embed-multi-97m"}, PreTokenizer{Splits: []string{GPT4o}, IgnoreMerges: true}},
	{[]string{"kimi-k2"}, PreTokenizer{Reworded: true, Splits: []string{kimi}}},
	{[]string{"superbpe"}, PreTokenizer{Reworded: true, Splits: []string{Digits, `(?=(\d{3})+(?!\d))`}}},

	// These join characters, not bytes.
	{[]string{"gemma4", "granite-embed-multi-311m", "sarvam-moe"}, PreTokenizer{Splits: []string{Lines}, Joins: Spaced}},
	{[]string{"whitespace"}, PreTokenizer{Splits: []string{`\S+`}, Joins: Words}},

	// Known by name alone.
	{[]string{"spark2_5"}, PreTokenizer{}},
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
