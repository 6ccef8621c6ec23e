package text

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/gguf"
)

// Tokenizer is what cutting needs of runtime/tokenizer.
type Tokenizer interface {
	Encode(text string, addSpecial, parseSpecial bool) ([]int32, error)
	// Piece is the bytes of a token.
	Piece(id int32) []byte
	BOS() (id int32, ok bool)
	AddBOS() bool
}

// Options say which part of a text is scored.
type Options struct {
	// Context is the length of a chunk in tokens; 512 when 0.
	Context int
	// Chunks limits the number of chunks of all texts together; 0 means all.
	Chunks int
	// Stride above 0 scores windows of Context tokens that start every Stride tokens, the last Stride
	// of each. 0 cuts the text into chunks side by side and scores the second half of each.
	Stride int
}

// Corpus is tokenized text, cut into chunks. Chunks of several texts come in turn, one of each, so that the first N
// chunks hold all of them.
type Corpus struct {
	Texts []Text
	// Tokens and Chunks of each text.
	Tokens, Chunks []int
	Options        Options
	Windows        []Window
}

// Window is one chunk as a model reads it: of IDs those at First..len(IDs)-2 predict their successors.
type Window struct {
	Slice int // index of its text
	IDs   []int32
	Head  int32 // the text's own token where IDs begin with the beginning-of-text token
	First int
	Bytes int // of what the scored tokens spell
}

// NewWindow copies ids of the text of that index, whose scored part begins behind first, and puts the
// beginning-of-text token first, if the model adds one.
func NewWindow(slice int, ids []int32, first int, tok Tokenizer) Window {
	w := Window{Slice: slice, IDs: slices.Clone(ids), Head: ids[0], First: first}
	if bos, ok := tok.BOS(); ok && tok.AddBOS() {
		w.IDs[0] = bos
	}
	for _, id := range w.IDs[first+1:] {
		w.Bytes += len(tok.Piece(id))
	}
	return w
}

// Tokens is how many are scored.
func (w *Window) Tokens() int { return len(w.IDs) - 1 - w.First }

// NewCorpus tokenizes and cuts texts. Errors name the text.
func NewCorpus(texts []Text, tok Tokenizer, o Options) (*Corpus, error) {
	o, err := o.check()
	if err != nil {
		return nil, err
	}
	c := &Corpus{Texts: texts, Options: o}
	per := make([][]Window, len(texts))
	for i, t := range texts {
		ids, err := tok.Encode(t.Data, true, false)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.File, err)
		}
		need := 2 * o.Context // as llama-perplexity asks
		if len(texts) > 1 {
			need = o.Context
		}
		if len(ids) < need {
			return nil, fmt.Errorf("%w: %s has %d tokens; with a context of %d at least %d are needed: use more text or a smaller --ctx",
				gguf.ErrInput, t.label(), len(ids), o.Context, need)
		}
		per[i] = cut(ids, i, tok, o, t.Limit)
		c.Tokens = append(c.Tokens, len(ids))
	}
	c.inTurn(per)
	return c, nil
}

// check fills in defaults and refuses what cannot be.
func (o Options) check() (Options, error) {
	if o.Context == 0 {
		o.Context = 512
	}
	if o.Context < 4 {
		return o, fmt.Errorf("%w: the context must have at least 4 tokens (got %d)", gguf.ErrInput, o.Context)
	}
	if o.Stride < 0 || o.Stride >= o.Context {
		return o, fmt.Errorf("%w: the stride must be between 1 and %d, one less than the context (got %d)", gguf.ErrInput, o.Context-1, o.Stride)
	}
	return o, nil
}

// inTurn takes the windows of each text, one of each at a time.
func (c *Corpus) inTurn(per [][]Window) {
	c.Chunks = make([]int, len(per))
	for round, more := 0, true; more; round++ {
		more = false
		for i := range per {
			if round < len(per[i]) && (c.Options.Chunks == 0 || len(c.Windows) < c.Options.Chunks) {
				c.Windows = append(c.Windows, per[i][round])
				c.Chunks[i]++
				more = true
			}
		}
	}
}

func (t *Text) label() string {
	if t.File == "" || t.File == t.Name {
		return t.Name
	}
	return fmt.Sprintf("%s (slice %s)", t.File, t.Name)
}

// cut makes no more windows than o.Chunks and limit, in scored tokens, leave: with a short stride there are many.
func cut(ids []int32, slice int, tok Tokenizer, o Options, limit int) []Window {
	step, first := o.Context, o.Context/2
	if o.Stride > 0 {
		step, first = o.Stride, o.Context-o.Stride-1
	}
	n := (len(ids)-o.Context)/step + 1
	if o.Chunks > 0 {
		n = min(n, o.Chunks)
	}
	if limit > 0 {
		n = min(n, max(1, limit/(o.Context-1-first)))
	}
	out := make([]Window, n)
	for i := range out {
		start := i * step
		out[i] = NewWindow(slice, ids[start:start+o.Context], first, tok)
	}
	return out
}

// Len is the number of chunks.
func (c *Corpus) Len() int { return len(c.Windows) }

// ScoredTokens is how many tokens the first chunks score.
func (c *Corpus) ScoredTokens(chunks int) int {
	n := 0
	for i := range c.Windows[:min(chunks, len(c.Windows))] {
		n += c.Windows[i].Tokens()
	}
	return n
}

// ChunksFor is how many chunks it takes to score so many tokens, as far as there are; 0 means all chunks.
func (c *Corpus) ChunksFor(tokens int) int {
	if tokens == 0 {
		return len(c.Windows)
	}
	scored := 0
	for i := range c.Windows {
		if scored >= tokens {
			return i
		}
		scored += c.Windows[i].Tokens()
	}
	return len(c.Windows)
}

// Match refuses stats that are not of the corpus's first chunks.
func (c *Corpus) Match(stats []figure.ChunkStats) error {
	if len(stats) > len(c.Windows) {
		return fmt.Errorf("%d chunks were measured, but the texts have %d", len(stats), len(c.Windows))
	}
	for i, s := range stats {
		if w := &c.Windows[i]; s.Slice != w.Slice || s.Tokens != w.Tokens() || s.Bytes != w.Bytes {
			return fmt.Errorf("chunk %d has %d scored tokens of slice %d, but in the texts %d of slice %d", i+1, s.Tokens, s.Slice, w.Tokens(), w.Slice)
		}
	}
	return nil
}

// SHA256 identifies the texts together: the SHA-256 of theirs, a line each.
func (c *Corpus) SHA256() string {
	h := sha256.New()
	for _, t := range c.Texts {
		fmt.Fprintln(h, t.SHA256)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// SameTokens refuses a comparison with a model whose tokenizer reads the texts otherwise: their distributions would
// be over different things. who names that model.
func (c *Corpus) SameTokens(who string, tok Tokenizer) error {
	other, err := NewCorpus(c.Texts, tok, c.Options)
	if err != nil { // the texts were long enough for the other one
		return fmt.Errorf("%w: %s: %w", ErrTokenizers, who, err)
	}
	for i := range c.Windows {
		if i >= len(other.Windows) || !slices.Equal(c.Windows[i].IDs, other.Windows[i].IDs) {
			return fmt.Errorf("%w: %s tokenizes %s differently from the other models (chunk %d): only models with the same tokenizer can be compared",
				ErrTokenizers, who, c.Texts[c.Windows[i].Slice].label(), i+1)
		}
	}
	return nil
}

// ErrTokenizers says that two models do not read text alike. It wraps gguf.ErrInput.
var ErrTokenizers = fmt.Errorf("%w: tokenizers differ", gguf.ErrInput)

// TokenizerError is a fault of one of the tokenizers of NewCorpora.
type TokenizerError struct {
	Index int
	Err   error
}

func (e *TokenizerError) Error() string { return e.Err.Error() }
func (e *TokenizerError) Unwrap() error { return e.Err }

// Chunks tokenizes text and cuts it into chunks of o.Context tokens side by side, as the measurements without a
// stride do: the first token of each is the beginning-of-text token when the model adds one. name is for messages.
func Chunks(name, text string, tok Tokenizer, o Options) ([][]int32, error) {
	o.Stride = 0
	c, err := NewCorpus([]Text{{Name: name, Data: text}}, tok, o)
	if err != nil {
		return nil, err
	}
	out := make([][]int32, len(c.Windows))
	for i, w := range c.Windows {
		out[i] = w.IDs
	}
	return out, nil
}
