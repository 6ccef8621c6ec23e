// Package vocab turns a checkpoint's tokenizer files into the tokenizer.* entries of GGUF, in the reference
// converter's order.
//
// Eight kinds are read: SentencePiece (tokenizer.model), byte-level BPE (tokenizer.json), BPE with byte fallback, which is
// SentencePiece in tokenizer.json's clothes, WordPiece (BERT), SentencePiece's unigrams (T5; XLM-RoBERTa, whose first tokens
// are others than its model's), and byte-level BPE without
// tokenizer.json, from tekken.json and tiktoken's ranks. The pre-tokenizer of byte-level BPE is recognised from its
// structure; what is not known is an error, never a default.
package vocab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/internal/pyjson"
)

// Options say whose tokenizer it is.
type Options struct {
	// Class is the model's class in config.json.
	Class string
	// Config is config.json: vocab_size and the special tokens' ids.
	Config map[string]any
	// Pre names the pre-tokenizer where it cannot be recognised.
	Pre string
}

// ErrPre is what an error is when Options.Pre is no name that runtimes know, or has no effect.
var ErrPre = errors.New("pre-tokenizer name")

type preError struct{ error }

func (preError) Is(target error) bool { return target == ErrPre }

func (e preError) Unwrap() error { return e.error }

// Token types of tokenizer.ggml.token_type.
const (
	normal      int32 = 1
	unknown     int32 = 2
	control     int32 = 3
	userDefined int32 = 4
	unused      int32 = 5
	byteToken   int32 = 6
)

// folder is what the tokenizer's files say.
type folder struct {
	dir    string
	json   *tokenizerJSON // tokenizer.json, or nil
	config map[string]any // tokenizer_config.json, or nil
	opts   Options
}

func bad(path, format string, args ...any) error {
	return fmt.Errorf("%w: %s: tokenizer: %s", gguf.ErrInput, path, fmt.Sprintf(format, args...))
}

// Load reads dir's tokenizer.
func Load(dir string, o Options) ([]gguf.KV, error) {
	if err := checkName(o.Pre); err != nil {
		return nil, err
	}
	f := &folder{dir: dir, opts: o}
	var err error
	if f.config, err = readObject(filepath.Join(dir, "tokenizer_config.json")); err != nil {
		return nil, err
	}
	model, err := inputfile.ReadSmall(filepath.Join(dir, "tokenizer.model"), inputfile.MaxVocab)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := f.readTokenizerJSON(); err != nil {
		return nil, err
	}
	ranks, rankPre, err := f.rankFile(model)
	if err != nil {
		return nil, err
	}
	isPieces := model != nil && rankPre != "llama-bpe" // tokenizer.model is a SentencePiece model, and not of ranks
	var tekken *tekken
	if f.json == nil && f.isLlama() {
		if tekken, err = f.readTekken(); err != nil {
			return nil, err
		}
	}
	var l list
	if strings.HasPrefix(f.opts.Class, "ModernBert") {
		for _, t := range []string{"bos", "eos", "sep"} {
			l.add("tokenizer.ggml.add_"+t+"_token", true)
		}
	}
	if f.opts.Class == "EuroBertModel" {
		l.add("tokenizer.ggml.add_bos_token", false)
	}
	if v, ok := f.config["add_prefix_space"].(bool); ok && f.isLlama() {
		l.add("tokenizer.ggml.add_space_prefix", v)
	}
	switch {
	case f.isT5():
		err = f.unigram(&l, model)
	case f.isMultilingual():
		err = f.multilingual(&l)
	case f.json != nil && f.json.Model.Type == "WordPiece":
		err = f.wordPiece(&l)
	case tekken != nil:
		err = f.mistral(&l, tekken)
	case isPieces && !f.isGPT2Phi():
		err = f.sentencePiece(&l, model)
	case f.json == nil && ranks != nil:
		err = f.tiktoken(&l, ranks, rankPre)
	case f.json == nil:
		return nil, fmt.Errorf("%w: %s: missing file: neither tokenizer.json nor tokenizer.model is in the folder", gguf.ErrInput, dir)
	case f.json.Model.ByteFallback && !f.isSpaced():
		err = f.byteFallback(&l)
	default:
		err = f.byteLevel(&l)
	}
	if n, ok := f.textTypes(); ok && err == nil && f.json != nil && f.json.Model.Type == "BPE" {
		l.add("tokenizer.ggml.token_type_count", n)
	}
	if err != nil {
		return nil, err
	}
	if size, _ := f.vocabSize(0); f.isLlama() && size == 49152 {
		l.set("tokenizer.ggml.add_bos_token", false) // the reference's rule for Granite, which catches SmolLM too
	}
	if f.opts.Class == "NemotronForCausalLM" && isPieces {
		l.set("tokenizer.ggml.padding_token_id", uint32(0))
		l.set("tokenizer.ggml.unknown_token_id", uint32(1))
	}
	if strings.HasPrefix(f.opts.Class, "HunYuanDenseV1") {
		err = f.hunyuan(&l)
	}
	if f.opts.Class == "NemotronHForCausalLM" && f.opts.Config["num_experts_per_tok"] == nil {
		l.set("tokenizer.ggml.add_bos_token", true) // which its post-processor says, and nothing else
	}
	if v, ok := f.config["add_prefix_space"].(bool); ok && strings.HasPrefix(f.opts.Class, "Ernie4_5") {
		l.set("tokenizer.ggml.add_space_prefix", v)
	}
	return l, err
}

// hunyuan corrects what ends a text and a turn: eos_token_id of published configs is another token.
func (f *folder) hunyuan(l *list) error {
	id := func(v any) (uint32, bool) {
		n, ok := v.(float64)
		return uint32(max(n, 0)), ok && n >= 0 && n < maxVocab && n == float64(uint32(n))
	}
	if n, ok := id(f.opts.Config["eod_token_id"]); ok {
		l.set("tokenizer.ggml.eos_token_id", n)
	}
	generation, err := readObject(filepath.Join(f.dir, "generation_config.json"))
	if err != nil {
		return err
	}
	if list, _ := generation["eos_token_id"].([]any); len(list) >= 2 {
		if n, ok := id(list[0]); ok {
			l.set("tokenizer.ggml.eot_token_id", n)
		}
	}
	return nil
}

// list collects entries in order.
type list []gguf.KV

func (l *list) add(key string, v any) { *l = append(*l, gguf.KV{Key: key, Value: v}) }

func (l *list) set(key string, v any) {
	for i := range *l {
		if (*l)[i].Key == key {
			(*l)[i].Value = v
			return
		}
	}
	l.add(key, v)
}

// isLlama reports whether the reference reads the class by its rules for Llama.
func (f *folder) isLlama() bool {
	return slices.Contains([]string{"LlamaForCausalLM", "LLaMAForCausalLM", "MistralForCausalLM", "MixtralForCausalLM", "LlamaModel",
		"VLlama3ForCausalLM", "LlavaForConditionalGeneration", "IQuestCoderForCausalLM",
		"Mistral3ForConditionalGeneration", "Ministral3ForCausalLM", "GraniteForCausalLM", "GraniteMoeForCausalLM", "GraniteMoeSharedForCausalLM",
		"SmolLM3ForCausalLM", "ArceeForCausalLM", "ApertusForCausalLM", "AfmoeForCausalLM"}, f.opts.Class)
}

// isT5 reports whether the reference reads the class by its rules for T5.
func (f *folder) isT5() bool {
	return slices.Contains([]string{"T5ForConditionalGeneration", "T5WithLMHeadModel", "MT5ForConditionalGeneration", "UMT5ForConditionalGeneration"}, f.opts.Class)
}

// textTypes is the number of kinds of texts that a class of BERT's tells apart (its two parts), and false for other classes.
func (f *folder) textTypes() (uint32, bool) {
	n, given := f.opts.Config["type_vocab_size"].(float64)
	switch class := f.opts.Class; {
	case given && strings.HasPrefix(class, "JinaBert") && f.json.Model.Type == "BPE":
		return 2, true
	case given && n >= 0 && n <= maxVocab:
		return uint32(n), strings.Contains(class, "Bert") || strings.Contains(class, "Roberta")
	case strings.HasPrefix(class, "DistilBert"), strings.HasPrefix(class, "NeoBERT"):
		return 1, true
	}
	return 2, strings.HasPrefix(f.opts.Class, "Bert") || strings.HasPrefix(f.opts.Class, "NomicBert") || strings.Contains(f.opts.Class, "Roberta")
}

// isPhi reports whether the reference reads the class by its rules for Phi 3.
func (f *folder) isPhi() bool {
	return slices.Contains([]string{"Phi3ForCausalLM", "PhiMoEForCausalLM", "PhimoeForCausalLM"}, f.opts.Class)
}

// isGPT2Phi tells Phi-4 from the older ones.
func (f *folder) isGPT2Phi() bool {
	return f.isPhi() && f.config["tokenizer_class"] == "GPT2Tokenizer" && f.json != nil
}

// readTokenizerJSON reads tokenizer.json if it is there.
func (f *folder) readTokenizerJSON() error {
	path := filepath.Join(f.dir, "tokenizer.json")
	b, err := inputfile.ReadText(path, inputfile.MaxVocab)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(bytes.TrimPrefix(b, []byte(inputfile.BOM)), &f.json); err != nil {
		return bad(path, "%v", err)
	}
	return nil
}

// readObject reads a small JSON object; a file that is not there is an empty one.
func readObject(path string) (map[string]any, error) {
	b, err := inputfile.ReadText(path, inputfile.MaxConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := pyjson.Object(b)
	if err != nil {
		return nil, bad(path, "%v", err)
	}
	return m, nil
}

// maxVocab bounds what is allocated by config.json's word.
const maxVocab = 1 << 22

// vocabSize is config.json's, or have when it says none. A smaller one than have is an error.
func (f *folder) vocabSize(have int) (int, error) {
	v, ok := f.opts.Config["vocab_size"].(float64)
	if !ok {
		return have, nil
	}
	if v < float64(have) || v > maxVocab || v != float64(int(v)) {
		return 0, bad(f.dir, "it has %d tokens, but vocab_size in config.json is %v: the files are of different models", have, v)
	}
	return int(v), nil
}
