package vocab

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/carat-llm/carat/gguf/names"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/runtime/tokenizer"
)

// tekken is Mistral's own file of a byte-level BPE.
type tekken struct {
	Config struct {
		Pattern string `json:"pattern"`
		Size    int    `json:"default_vocab_size"`
		Special int    `json:"default_num_special_tokens"` // they come before the others
	} `json:"config"`
	Vocab []struct {
		Rank  int    `json:"rank"`
		Bytes []byte `json:"token_bytes"`
	} `json:"vocab"`
	SpecialTokens []struct {
		Rank int    `json:"rank"`
		Text string `json:"token_str"`
	} `json:"special_tokens"`
}

// oldSpecial are the special tokens of files that do not list them.
var oldSpecial = []string{"<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]",
	"[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]",
	"[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[TOOL_CONTENT]"}

// readTekken reads tekken.json; nil if there is none.
func (f *folder) readTekken() (*tekken, error) {
	path := filepath.Join(f.dir, "tekken.json")
	b, err := inputfile.ReadText(path, inputfile.MaxVocab)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t := &tekken{}
	if err := json.Unmarshal(b, t); err != nil {
		return nil, bad(path, "%v", err)
	}
	c := t.Config
	if n := c.Size - c.Special; c.Special < 0 || n < 256 || n > len(t.Vocab) || c.Size > maxVocab {
		return nil, bad(path, "default_vocab_size %d and default_num_special_tokens %d do not fit its %d tokens", c.Size, c.Special, len(t.Vocab))
	}
	return t, nil
}

// special are the texts of the special tokens by id.
func (t *tekken) special() []string {
	out := make([]string, t.Config.Special)
	for i := range out {
		out[i] = fmt.Sprintf("<SPECIAL_%d>", i)
	}
	if t.SpecialTokens == nil {
		copy(out, oldSpecial)
	}
	for _, s := range t.SpecialTokens {
		if s.Rank >= 0 && s.Rank < len(out) {
			out[s.Rank] = s.Text
		}
	}
	return out
}

// allMerges are all pairs of tokens that make another, in the order of what they make and then of the parts.
func (r *ranks) allMerges() []string {
	var out []string
	for _, token := range r.tokens[256:] {
		var pairs [][2]int
		for i := 1; i < len(token); i++ {
			left, ok := r.of[token[:i]]
			right, ok2 := r.of[token[i:]]
			if ok && ok2 {
				pairs = append(pairs, [2]int{left, right})
			}
		}
		slices.SortFunc(pairs, func(a, b [2]int) int { return cmp.Or(a[0]-b[0], a[1]-b[1]) })
		for _, p := range pairs {
			out = append(out, tokenizer.Printable(r.tokens[p[0]])+" "+tokenizer.Printable(r.tokens[p[1]]))
		}
	}
	return out
}

// mistral writes tekken.json, in the reference's order.
func (f *folder) mistral(l *list, t *tekken) error {
	path := filepath.Join(f.dir, "tekken.json")
	pre := f.opts.Pre
	if pre == "" {
		like := names.Recognise([]string{t.Config.Pattern}, true, false)
		if len(like) == 0 {
			return hint.Wrap(bad(path, "unknown pre-tokenizer: %s", t.Config.Pattern), "pass the name of one that splits alike with --pre NAME")
		}
		pre = like[0].Name
	}
	special := t.special()
	n := t.Config.Size - len(special)
	tokens := make([]string, n)
	for _, x := range t.Vocab {
		if x.Rank >= 0 && x.Rank < n {
			tokens[x.Rank] = string(x.Bytes)
		}
	}
	if i := slices.Index(tokens, ""); i >= 0 {
		return bad(path, "vocab has no token of rank %d", i)
	}
	size, err := f.vocabSize(t.Config.Size)
	if err != nil {
		return err
	}
	v := newVocabulary(size)
	for id, s := range special {
		v.set(id, s, 0, control)
	}
	for rank, s := range tokens {
		v.set(len(special)+rank, tokenizer.Printable(s), 0, normal)
	}
	l.add("tokenizer.ggml.model", "gpt2")
	l.add("tokenizer.ggml.pre", pre)
	l.add("tokenizer.ggml.merges", newRanks(tokens).allMerges())
	for _, role := range []struct{ key, token string }{{"bos", "<s>"}, {"eos", "</s>"}, {"unknown", "<unk>"}, {"padding", "<pad>"}} {
		id := slices.Index(special, role.token)
		if id < 0 && role.key == "padding" {
			id = slices.Index(special, "</s>")
		}
		if id < 0 {
			return bad(path, "its special tokens do not have %s", role.token)
		}
		l.add("tokenizer.ggml."+role.key+"_token_id", uint32(id))
	}
	l.add("tokenizer.ggml.tokens", v.tokens)
	l.add("tokenizer.ggml.scores", v.scores)
	l.add("tokenizer.ggml.token_type", v.types)
	l.add("tokenizer.ggml.add_bos_token", true)
	l.add("tokenizer.ggml.add_eos_token", false)
	return f.chatTemplate(l)
}
