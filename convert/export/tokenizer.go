package export

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/gguf/names"
)

// Token types of tokenizer.ggml.token_type.
const (
	normal      = 1
	control     = 3
	userDefined = 4
	unused      = 5
	byteToken   = 6
)

// roles are special tokens as config files call them, and GGUF's names of their keys.
var roles = [][2]string{{"bos", "bos"}, {"eos", "eos"}, {"unk", "unknown"}, {"sep", "seperator"}, {"pad", "padding"}, {"mask", "mask"}}

// vocabulary is what the file says of its tokens.
type vocabulary struct {
	md     *gguf.Metadata
	tokens []string
	types  []int64
	scores []float32
}

// tokenizerFiles are the files of the tokenizer by their names: bytes, or what is encoded as JSON. It completes the config with
// the ids of special tokens.
func tokenizerFiles(md *gguf.Metadata, config map[string]any) (files map[string]any, notes []string, err error) {
	v := &vocabulary{md, md.Strings("tokenizer.ggml.tokens"), md.Ints("tokenizer.ggml.token_type"), md.Floats("tokenizer.ggml.scores")}
	if err := gguf.CheckTokenizer(md); err != nil {
		return nil, nil, err
	}
	if len(v.types) != len(v.tokens) {
		v.types = slices.Repeat([]int64{normal}, len(v.tokens))
	}
	for _, role := range []string{"bos", "eos", "pad"} {
		config[role+"_token_id"] = nil // not the class's default, which is of another vocabulary
	}
	settings := map[string]any{"clean_up_tokenization_spaces": false}
	for _, r := range roles {
		if id, ok := md.Int("tokenizer.ggml." + r[1] + "_token_id"); ok && id >= 0 && id < int64(len(v.tokens)) {
			settings[r[0]+"_token"] = v.text(int(id))
			config[r[0]+"_token_id"] = id
		}
	}
	for _, name := range []string{"bos", "eos", "sep"} {
		if b, ok := md.Bool("tokenizer.ggml.add_" + name + "_token"); ok {
			settings["add_"+name+"_token"] = b
		}
	}
	if b, ok := md.Bool("tokenizer.ggml.add_space_prefix"); ok && !strings.HasPrefix(md.Architecture(), "gemma") {
		settings["add_prefix_space"] = b
	}
	if t := templates(md); t != nil {
		settings["chat_template"] = t
	}
	files = map[string]any{"tokenizer_config.json": settings}
	model, _ := md.String("tokenizer.ggml.model")
	switch model {
	case "gpt2":
		settings["tokenizer_class"] = "PreTrainedTokenizerFast"
		var why string
		if files["tokenizer.json"], why = v.byteLevel(settings); why != "" {
			return map[string]any{}, []string{"the tokenizer is left out: " + why}, nil
		}
	case "llama":
		settings["tokenizer_class"] = "LlamaTokenizer"
		if strings.HasPrefix(md.Architecture(), "gemma") {
			settings["tokenizer_class"] = "GemmaTokenizer"
		}
		settings["added_tokens_decoder"] = v.decoder()
		files["tokenizer.model"] = v.pieces()
	default:
		return map[string]any{}, []string{fmt.Sprintf("the tokenizer is left out: it is of the kind %q; byte-level BPE (gpt2) and SentencePiece (llama) are written", model)}, nil
	}
	files["generation_config.json"] = generation(md, config)
	return files, nil, nil
}

// samplers are keys of general.sampling and of generation_config.json.
var samplers = [][2]string{{"top_k", "top_k"}, {"top_p", "top_p"}, {"min_p", "min_p"}, {"temp", "temperature"}, {"penalty_repeat", "repetition_penalty"}}

// generation is how answers are made: what ends them, and how tokens are chosen.
func generation(md *gguf.Metadata, config map[string]any) map[string]any {
	out := map[string]any{"bos_token_id": config["bos_token_id"]}
	if ids := ends(md); len(ids) > 0 {
		out["eos_token_id"] = ids
	}
	for _, s := range samplers {
		if v, ok := md.Get("general.sampling." + s[0]); ok {
			out[s[1]], out["do_sample"] = number(v), true
		}
	}
	return out
}

// ends are the tokens that end an answer.
func ends(md *gguf.Metadata) (ids []int64) {
	for _, name := range []string{"eos", "eot", "eom"} {
		if id, ok := md.Int("tokenizer.ggml." + name + "_token_id"); ok && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// templates are the chat template, or all of several with their names.
func templates(md *gguf.Metadata) any {
	one, ok := md.String("tokenizer.chat_template")
	all := md.Strings("tokenizer.chat_templates")
	if len(all) == 0 {
		if !ok {
			return nil
		}
		return one
	}
	list := []any{}
	if ok {
		list = append(list, map[string]any{"name": "default", "template": one})
	}
	for _, name := range all {
		t, _ := md.String("tokenizer.chat_template." + name)
		list = append(list, map[string]any{"name": name, "template": t})
	}
	return list
}

// text is a token as it stands in a text.
func (v *vocabulary) text(id int) string { return v.tokens[id] }

// padding reports whether a token only fills up the rows of the embeddings.
func (v *vocabulary) padding(id int) bool {
	return v.types[id] == unused && v.tokens[id] == fmt.Sprintf("[PAD%d]", id)
}

// added describes a token that is found in texts before they are split.
func (v *vocabulary) added(id int) map[string]any {
	return map[string]any{"content": v.text(id), "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": v.types[id] == control}
}

// byteLevel is tokenizer.json of byte-level BPE, or why there is none.
func (v *vocabulary) byteLevel(settings map[string]any) (map[string]any, string) {
	name, _ := v.md.String("tokenizer.ggml.pre")
	pre, ok := names.Find(name)
	if !ok || pre.Splits == nil || pre.Joins != names.Bytes {
		return nil, fmt.Sprintf("no regular expressions are known for the pre-tokenizer %q", name)
	}
	vocab, added := map[string]int{}, []any{}
	for id, t := range v.tokens {
		if v.padding(id) {
			continue
		}
		vocab[t] = id // added ones, too: the library numbers anew what the model does not have
		if v.types[id] == control || v.types[id] == userDefined {
			a := v.added(id)
			a["id"] = id
			added = append(added, a)
		}
	}
	merges := [][2]string{}
	for _, m := range v.md.Strings("tokenizer.ggml.merges") {
		left, right, ok := strings.Cut(m, " ")
		if !ok {
			return nil, fmt.Sprintf("the merge %q is not two parts", m)
		}
		merges = append(merges, [2]string{left, right})
	}
	out := map[string]any{"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added, "normalizer": nil, "pre_tokenizer": splitting(pre.Splits),
		"post_processor": nil, "decoder": byteLevelStep(true),
		"model": map[string]any{"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil, "end_of_word_suffix": nil,
			"fuse_unk": false, "byte_fallback": false, "ignore_merges": pre.IgnoreMerges, "vocab": vocab, "merges": merges}}
	if pre.NFC {
		out["normalizer"] = map[string]any{"type": "NFC"}
	}
	if bos, ok := v.md.Bool("tokenizer.ggml.add_bos_token"); bos || !ok && pre.AddBOS {
		if p := v.template(settings); p != nil {
			out["post_processor"] = p
		}
	}
	return out, ""
}

func byteLevelStep(regex bool) map[string]any {
	return map[string]any{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex}
}

// splitting divides a text by regular expressions, one after the other, and makes bytes of the parts.
func splitting(splits []string) map[string]any {
	steps := []any{}
	last := splits[len(splits)-1] == names.GPT2
	if last {
		splits = splits[:len(splits)-1]
	}
	for _, s := range splits {
		switch s {
		case names.Digit, names.Digits:
			steps = append(steps, map[string]any{"type": "Digits", "individual_digits": s == names.Digit})
		default:
			steps = append(steps, map[string]any{"type": "Split", "pattern": map[string]any{"Regex": s}, "behavior": "Isolated", "invert": false})
		}
	}
	return map[string]any{"type": "Sequence", "pretokenizers": append(steps, byteLevelStep(last))}
}

// template puts BOS before a text.
func (v *vocabulary) template(settings map[string]any) map[string]any {
	bos, _ := settings["bos_token"].(string)
	id, ok := v.md.Int("tokenizer.ggml.bos_token_id")
	if !ok || bos == "" {
		return nil
	}
	token, text := map[string]any{"SpecialToken": map[string]any{"id": bos, "type_id": 0}}, func(name string, n int) any {
		return map[string]any{"Sequence": map[string]any{"id": name, "type_id": n}}
	}
	return map[string]any{"type": "TemplateProcessing", "single": []any{token, text("A", 0)}, "pair": []any{token, text("A", 0), token, text("B", 1)},
		"special_tokens": map[string]any{bos: map[string]any{"id": bos, "ids": []int64{id}, "tokens": []string{bos}}}}
}

// decoder is added_tokens_decoder: tokens that were added to a SentencePiece model.
func (v *vocabulary) decoder() map[string]any {
	out := map[string]any{}
	for id, t := range v.types {
		if t == userDefined || t == control && (id >= len(v.scores) || v.scores[id] == -1000) {
			out[strconv.Itoa(id)] = v.added(id)
		}
	}
	return out
}
