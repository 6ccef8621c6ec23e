package embed

import (
	"context"
	"fmt"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/model"
	"github.com/carat-llm/carat/runtime/tokenizer"
)

// RankOptions say how a query and a text become the input of a reranker.
type RankOptions struct {
	// Instruct is the task that a language model is told (Qwen3-Reranker), in place of that of the file.
	Instruct string
	// Truncate leaves out the end of a text that does not fit the model's context; otherwise it is refused.
	Truncate bool
	// Progress, if not nil, is told the number of texts that are done.
	Progress func(done, total int64)
}

// Score is what Rank makes of a text.
type Score struct {
	Tokens int     // of query and text, with those that the model adds
	Logit  float32 // what the model computes; the more, the better the text answers the query
	Score  float64 // the same between 0 and 1: 1/(1+exp(-Logit)). Of a language model it is the probability of "yes" before "no".
}

// Rank gives emit the scores of texts, in their order. e must have been opened for Activations and Text. Texts are paired with the query
// as the file says: by its prompt for rerankers (tokenizer.chat_template.rerank), else by the tokens that its tokenizer puts around and
// between two texts.
func Rank(ctx context.Context, e *engine.Engine, query string, texts []string, o RankOptions, emit func(Score) error) error {
	if err := CanRank(e); err != nil {
		return err
	}
	tok, err := e.Tokenizer()
	if err != nil {
		return err
	}
	if err := inputfile.CheckUTF8("the query", []byte(query)); err != nil {
		return err
	}
	p := pairing{tok: tok, query: query, most: e.ContextLength(), cut: o.Truncate}
	if p.prompt, err = rankPrompt(e.Source().Metadata(), o.Instruct); err != nil {
		return err
	}
	var q sequences
	for i, text := range texts {
		if err := inputfile.CheckUTF8(fmt.Sprintf("text %d", i+1), []byte(text)); err != nil {
			return err
		}
		ids, second, err := p.pair(text)
		if err != nil {
			return fmt.Errorf("text %d: %w", i+1, err)
		}
		q.ids, q.second = append(q.ids, ids), append(q.second, second)
	}
	logit := make([]float32, 1)
	return evaluate(ctx, e, q, o.Progress, func(s *model.Session, rows []float32) error {
		if err := s.Score(logit, rows); err != nil {
			return err
		}
		return emit(Score{len(rows) / e.Width(), logit[0], model.Probability(logit[0])})
	})
}

// CanRank says why e's model is no reranker.
func CanRank(e *engine.Engine) error {
	md := e.Source().Metadata()
	switch n := e.Scores(); {
	case n == 0:
		return hint.Wrap(fmt.Errorf("%w: this model has no head that scores texts (cls.output.weight): it is not a reranker", gguf.ErrUnsupported), "carat embed makes vectors of texts with an embedding model")
	case n > 1:
		return fmt.Errorf("%w: this model gives %d scores (%s): it is a classifier, not a reranker, which gives one", gguf.ErrUnsupported, n,
			strings.Join(md.Strings(md.Architecture()+".classifier.output_labels"), ", "))
	}
	return nil
}

// rankPrompt is the prompt of a language model that ranks, "" for encoders.
func rankPrompt(md *gguf.Metadata, instruct string) (string, error) {
	prompt, _ := md.String("tokenizer.chat_template.rerank")
	if prompt != "" && (!strings.Contains(prompt, "{query}") || !strings.Contains(prompt, "{document}")) {
		return "", fmt.Errorf("%w: metadata tokenizer.chat_template.rerank lacks {query} or {document}", gguf.ErrInput)
	}
	if instruct == "" {
		return prompt, nil
	}
	const mark = "<Instruct>: "
	before, rest, ok := strings.Cut(prompt, mark)
	_, after, line := strings.Cut(rest, "\n")
	if !ok || !line {
		return "", fmt.Errorf("%w: the model's prompt has no line %q: it takes no instruction", gguf.ErrUnsupported, mark)
	}
	return before + mark + instruct + "\n" + after, nil
}

// pairing makes the tokens of a query and a text.
type pairing struct {
	tok           *tokenizer.Tokenizer
	prompt, query string
	most          int  // tokens that the model takes
	cut           bool // see RankOptions
}

// pair returns them, and where those of the text begin.
func (p pairing) pair(text string) (ids []int32, second int, err error) {
	if p.prompt == "" {
		ids, second, err = p.tok.EncodePair(p.query, text)
	} else {
		ids, err = p.filled(text)
	}
	over := len(ids) - p.most
	switch {
	case err != nil || over <= 0:
		return ids, second, err
	case !p.cut:
		return nil, 0, hint.Wrap(fmt.Errorf("%w: it and the query have %d tokens, but the model takes %d", gguf.ErrInput, len(ids), p.most), "cut texts into parts, or let --truncate leave out what is behind")
	}
	begin, end := second, 0
	if p.prompt == "" && p.tok.AddEOS() {
		end = 1
	} else if p.prompt != "" {
		begin, end = p.around(ids)
	}
	if len(ids)-begin-end < over {
		return nil, 0, fmt.Errorf("%w: the query alone has more than the %d tokens that the model takes", gguf.ErrInput, p.most)
	}
	return append(ids[:len(ids)-end-over:len(ids)-end-over], ids[len(ids)-end:]...), second, nil
}

// filled are the tokens of the prompt with query and text.
func (p pairing) filled(text string) ([]int32, error) {
	return p.tok.Encode(strings.NewReplacer("{query}", p.query, "{document}", text).Replace(p.prompt), false, true)
}

// around are the numbers of tokens of the prompt before and behind the text.
func (p pairing) around(ids []int32) (before, behind int) {
	empty, err := p.filled("")
	if err != nil {
		return len(ids), 0
	}
	_, after, _ := strings.Cut(p.prompt, "{document}")
	rest, err := p.tok.Encode(after, false, true)
	if err != nil || len(rest) > len(empty) {
		return len(ids), 0
	}
	return len(empty) - len(rest), len(rest)
}
