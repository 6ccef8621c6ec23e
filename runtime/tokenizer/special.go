package tokenizer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/gguf/names"
)

// Tokens that runtimes know by how they are written, whatever type the file gives them.
var (
	// endings end a generated text.
	endings = []string{"<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>",
		"<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>",
		"<end_of_utterance>", "<eos>", "<turn|>", "<|tool_response>", "<｜end▁of▁sentence｜>", "[e~[",
		// between files of code
		"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]", "<|fim_repo|>", "<|repo_name|>", "<fim-repo>",
		"<REPO>", "<reponame>", "<|file_sep|>"}
	// infilling surrounds a gap to be filled.
	infilling = []string{"<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>",
		"<|code_prefix|>", "<|prefix|>", "<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>",
		"▁<SUF>", "<|code_suffix|>", "<|suffix|>", "<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>",
		"<MID>", "▁<MID>", "<|code_middle|>", "<|middle|>"}
	// shown are gpt-oss's control tokens that its replies are read by.
	shown = []string{"<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"}
)

// defaults are what a kind of vocabulary has where the file says nothing.
type defaults struct {
	bos, eos int32
	addBOS   bool
}

var (
	bpeDefaults = defaults{bos: 11, eos: 11}
	spmDefaults = defaults{bos: 1, eos: 2, addBOS: true}
)

func (d defaults) of(p names.PreTokenizer) defaults {
	d.addBOS = p.AddBOS
	if p.NoBOS {
		d.bos = -1
	}
	return d
}

// readSpecial reads the special tokens' ids, and which tokens end a text, as llama.cpp does.
func (t *Tokenizer) readSpecial(md *gguf.Metadata, d defaults) error {
	id := func(key string, otherwise int32) int32 {
		if v, ok := md.Int("tokenizer.ggml." + key + "_token_id"); ok && v >= 0 && v < int64(len(t.tokens)) {
			return int32(v)
		}
		if int(otherwise) >= len(t.tokens) {
			return -1
		}
		return otherwise
	}
	t.bos, t.eos = id("bos", d.bos), id("eos", d.eos)
	var ok bool
	if t.addBOS, ok = md.Bool("tokenizer.ggml.add_bos_token"); !ok {
		t.addBOS = d.addBOS
	}
	t.addEOS, _ = md.Bool("tokenizer.ggml.add_eos_token")
	for _, c := range []struct {
		add  bool
		id   int32
		name string
	}{{t.addBOS, t.bos, "bos"}, {t.addEOS, t.eos, "eos"}} {
		if c.add && c.id < 0 {
			return fmt.Errorf("%w: tokenizer: texts have a token added (tokenizer.ggml.add_%s_token), but tokenizer.ggml.%s_token_id does not name one of the %d tokens",
				gguf.ErrInput, c.name, c.name, len(t.tokens))
		}
	}
	t.eog = map[int32]bool{}
	for _, s := range slices.Concat(endings, infilling) {
		if i, ok := t.ids[s]; ok {
			t.types[i] = control
			t.eog[i] = slices.Contains(endings, s)
		}
	}
	for _, s := range shown {
		if i, ok := t.ids[s]; ok {
			t.types[i] = userDefined
		}
	}
	for _, e := range []int32{t.eos, id("eot", -1), id("eom", -1), id("fim_pad", -1), id("fim_rep", -1), id("fim_sep", -1)} {
		if e >= 0 {
			t.eog[e] = true
		}
	}
	has := func(s string) bool { i, ok := t.ids[s]; return ok && t.eog[i] }
	calls := has("<|call|>") || has("<|calls|>")
	if has("<|end|>") && calls && (has("<|return|>") || has("<|flush|>")) {
		// It separates messages of one reply there.
		delete(t.eog, t.ids["<|end|>"])
		t.types[t.ids["<|end|>"]] = userDefined
	}
	if has("</s>") && has("<|tool_response>") {
		delete(t.eog, t.ids["</s>"])
		t.types[t.ids["</s>"]] = normal
	}
	name, _ := md.String("general.name")
	name = strings.ToLower(name)
	t.indexSpecial(strings.Contains(name, "phi-3") || strings.Contains(name, "phi3"))
	return nil
}

// indexSpecial lists the tokens that are found in a text before it is tokenized. Phi-3's take the white space that
// follows with them, which a file cannot say.
func (t *Tokenizer) indexSpecial(phi3 bool) {
	t.strips = map[int32]bool{}
	for i, s := range t.tokens {
		if typ := t.types[i]; typ != control && typ != userDefined && typ != unknown {
			continue
		}
		t.special[s[0]] = append(t.special[s[0]], int32(i))
		t.strips[int32(i)] = phi3 && !slices.Contains([]string{"<unk>", "<s>", "<|endoftext|>"}, s)
	}
	for i := range t.special {
		slices.SortStableFunc(t.special[i], func(a, b int32) int { return len(t.tokens[b]) - len(t.tokens[a]) })
	}
}
