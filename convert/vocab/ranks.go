package vocab

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/runtime/tokenizer"
)

// ranks are the tokens of a byte-level BPE that has no list of merges: what makes the token with the lowest rank is
// joined first. Rank and id are the same but for an offset.
type ranks struct {
	tokens []string // their bytes, by rank
	of     map[string]int
}

func newRanks(tokens []string) *ranks {
	r := &ranks{tokens, make(map[string]int, len(tokens))}
	for i, t := range tokens {
		r.of[t] = i
	}
	return r
}

// parseRanks reads tiktoken's files: a line for each token, its bytes in base64 and its rank. It is false for files of
// another kind.
func parseRanks(b []byte, path string) (*ranks, bool, error) {
	line := func(l []byte) (token []byte, rank int, ok bool) {
		text, number, found := bytes.Cut(l, []byte(" "))
		token, err := base64.StdEncoding.AppendDecode(nil, text)
		rank, err2 := strconv.Atoi(string(bytes.TrimSpace(number)))
		return token, rank, found && err == nil && err2 == nil && len(token) > 0
	}
	first, _, _ := bytes.Cut(b[:min(len(b), 1024)], []byte("\n"))
	if _, _, ok := line(first); !ok {
		return nil, false, nil
	}
	var tokens []string
	for i, l := range bytes.Split(bytes.TrimSpace(b), []byte("\n")) {
		token, rank, ok := line(l)
		if !ok || rank != len(tokens) {
			return nil, false, bad(path, "line %d: expected a token in base64 and the rank %d (got %q)", i+1, len(tokens), l[:min(len(l), 60)])
		}
		tokens = append(tokens, string(token))
	}
	return newRanks(tokens), true, nil
}

// merges are the pairs that tokens are made of last, found by joining their bytes by lower ranks.
func (r *ranks) merges() []string {
	var out []string
	for rank, token := range r.tokens {
		if parts := r.parts(token, rank); len(parts) == 2 {
			out = append(out, tokenizer.Printable(parts[0])+" "+tokenizer.Printable(parts[1]))
		}
	}
	return out
}

// parts joins the bytes of token as far as tokens of ranks below limit do.
func (r *ranks) parts(token string, limit int) []string {
	parts := strings.Split(token, "")
	if len(parts) != len(token) { // it has characters of several bytes
		parts = parts[:0]
		for i := range len(token) {
			parts = append(parts, token[i:i+1])
		}
	}
	for {
		at, least := -1, limit
		for i := 1; i < len(parts); i++ {
			if rank, ok := r.of[parts[i-1]+parts[i]]; ok && rank < least {
				at, least = i, rank
			}
		}
		if at < 0 {
			return parts
		}
		parts[at-1] += parts[at]
		parts = slices.Delete(parts, at, at+1)
	}
}

// rankFile finds tiktoken's file: Kimi's tiktoken.model, Qwen's qwen.tiktoken, or Llama 3's tokenizer.model, which is
// model if it is there. The first two are of no use beside tokenizer.json.
func (f *folder) rankFile(model []byte) (r *ranks, pre string, err error) {
	for _, c := range []struct{ name, pre string }{{"tokenizer.model", "llama-bpe"}, {"tiktoken.model", "kimi-k2"}, {"qwen.tiktoken", "qwen2"}} {
		path, b := filepath.Join(f.dir, c.name), model
		if c.name != "tokenizer.model" {
			if f.json != nil {
				break
			}
			if b, err = inputfile.ReadSmall(path, inputfile.MaxVocab); errors.Is(err, fs.ErrNotExist) {
				continue
			} else if err != nil {
				return nil, "", err
			}
		}
		if r, ok, err := parseRanks(b, path); ok || err != nil {
			return r, c.pre, err
		}
	}
	return nil, "", nil
}

// tiktoken writes a byte-level BPE from its ranks. Special tokens are not in that file: tokenizer_config.json has to name
// them, and rows that it does not name are reserved.
func (f *folder) tiktoken(l *list, r *ranks, pre string) error {
	named, found, err := f.decoder()
	if err != nil {
		return err
	}
	if !found {
		return hint.Wrap(bad(f.dir, "the special tokens of its rank file are not known: tokenizer_config.json has no added_tokens_decoder"),
			"save the tokenizer as tokenizer.json (AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR))")
	}
	size, err := f.vocabSize(withAdded(len(r.tokens), named))
	if err != nil {
		return err
	}
	v := newVocabulary(size)
	for id, t := range r.tokens {
		v.set(id, tokenizer.Printable(t), 0, normal)
	}
	for id := len(r.tokens); id < size; id++ {
		v.set(id, "<|reserved_token_"+strconv.Itoa(id)+"|>", 0, control)
	}
	for id, t := range named {
		v.set(id, t.Content, 0, control)
	}
	v.write(l, "gpt2", cmp.Or(f.opts.Pre, pre), false)
	l.add("tokenizer.ggml.merges", r.merges())
	return f.special(l, 0)
}
