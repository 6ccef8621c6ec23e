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
	bos, eos, unk  int32
	addBOS, addEOS bool
	// sep is the default of the separator that texts end with instead of EOS, whatever the file says of adding tokens;
	// 0 for other kinds.
	sep int32
	// beginsWithBOS, whatever the file says.
	beginsWithBOS bool
}

var (
	bpeDefaults   = defaults{bos: 11, eos: 11, unk: -1}
	spmDefaults   = defaults{bos: 1, eos: 2, unk: 0, addBOS: true}
	bertDefaults  = defaults{bos: 101, eos: -1, unk: 100, sep: 102, addBOS: true}
	t5Defaults    = defaults{bos: -1, eos: 1, unk: 2, addEOS: true}
	gemmaDefaults = defaults{bos: -1, eos: -1, unk: -1, beginsWithBOS: true}
)

func (d defaults) of(p names.PreTokenizer) defaults {
	d.addBOS = p.AddBOS
	d.beginsWithBOS = p.Name == "granite-embed-multi-311m" // llama.cpp's rule for Gemma 4
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
	flag := func(key string, otherwise bool) bool {
		if v, ok := md.Bool("tokenizer.ggml.add_" + key + "_token"); ok && d.sep == 0 {
			return v
		}
		return otherwise
	}
	t.bos, t.eos, t.unk = id("bos", d.bos), id("eos", d.eos), id("unknown", d.unk)
	t.addBOS, t.addEOS = flag("bos", d.addBOS) || d.beginsWithBOS, flag("eos", d.addEOS || d.sep > 0)
	if add, _ := md.Bool("tokenizer.ggml.add_sep_token"); add && d.sep == 0 {
		t.addSep, t.sep = true, id("seperator", -1)
	}
	t.end = t.eos
	last := "eos"
	if d.sep > 0 {
		t.end, last = id("seperator", d.sep), "seperator"
	}
	for _, c := range []struct {
		add  bool
		id   int32
		name string
	}{{t.addBOS, t.bos, "bos"}, {t.addEOS, t.end, last}, {t.addSep, t.sep, "seperator"}} {
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
	t.indexSpecial()
	t.findStripping(md)
	return nil
}

// indexSpecial lists the tokens that are found in a text before it is tokenized.
func (t *Tokenizer) indexSpecial() {
	for i, s := range t.tokens {
		if typ := t.types[i]; typ == control || typ == userDefined || typ == unknown {
			t.special[s[0]] = append(t.special[s[0]], int32(i))
		}
	}
	for i := range t.special {
		slices.SortStableFunc(t.special[i], func(a, b int32) int { return len(t.tokens[b]) - len(t.tokens[a]) })
	}
}

// findStripping tells which special tokens take white space with them, as llama.cpp does, since a file cannot say: all of
// Phi-3's that which follows, and where a gap to be filled is marked that which is before it.
func (t *Tokenizer) findStripping(md *gguf.Metadata) {
	t.strips, t.stripsBefore = map[int32]bool{}, map[int32]bool{}
	name, _ := md.String("general.name")
	name = strings.ToLower(name)
	pre, _ := md.String("tokenizer.ggml.pre")
	mask := ""
	switch {
	case slices.Contains([]string{"jina-v2-de", "jina-v2-es", "jina-v2-code"}, pre),
		slices.Contains([]string{"nomic-bert-moe", "jina-bert-v3"}, md.Architecture()):
		mask = "<mask>"
	case strings.Contains(name, "phi-3"), strings.Contains(name, "phi3"):
		for _, all := range t.special {
			for _, i := range all {
				t.strips[i] = !slices.Contains([]string{"<unk>", "<s>", "<|endoftext|>"}, t.tokens[i])
			}
		}
	case strings.Contains(name, "modern-bert"), pre == "modern-bert":
		mask = "[MASK]"
	}
	if i, ok := t.ids[mask]; ok {
		t.stripsBefore[i] = true
	}
}

func errNoUnknown(t *Tokenizer) error {
	return fmt.Errorf("%w: tokenizer.ggml.unknown_token_id does not name one of the %d tokens: what is not in the vocabulary needs one",
		gguf.ErrInput, len(t.tokens))
}
