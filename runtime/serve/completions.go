package serve

import (
	"net/http"
	"time"
	"unicode/utf8"
)

// completionRequest is the body of /v1/completions.
type completionRequest struct {
	params
	Prompt   prompts `json:"prompt"`
	Echo     bool    `json:"echo"`
	LogProbs *int    `json:"logprobs"`
	Suffix   string  `json:"suffix"`
	BestOf   *int    `json:"best_of"`
}

func (s *Server) completions(w http.ResponseWriter, r *http.Request) error {
	var q completionRequest
	if err := s.decode(w, r, &q); err != nil {
		return err
	}
	n, err := q.choices()
	switch {
	case err != nil:
		return err
	case q.Suffix != "":
		return invalid("suffix", "is not supported: write the text around the gap as the model's own tokens want it")
	case q.BestOf != nil && *q.BestOf != n:
		return invalid("best_of", "must be n, %d, if it is there (found %d)", n, *q.BestOf)
	case q.Echo && q.LogProbs != nil:
		return invalid("echo", "is not supported together with logprobs")
	case q.LogProbs != nil && (*q.LogProbs < 0 || *q.LogProbs > mostTop):
		return invalid("logprobs", "must be from 0 to %d (found %d)", mostTop, *q.LogProbs)
	}
	list, err := s.promptTokens(q.Prompt)
	if err != nil {
		return err
	}
	top := 0
	if q.LogProbs != nil {
		top = *q.LogProbs
	}
	run, err := s.start(r.Context(), list, &q.params, q.LogProbs != nil, top)
	if err != nil {
		return err
	}
	defer run.close()
	a := &textReply{server: s, id: newID("cmpl-"), created: time.Now().Unix(), probs: q.LogProbs != nil, choices: make([]textChoice, len(run.jobs))}
	for i := range a.choices {
		if q.Echo {
			a.choices[i].echo = s.tok.Decode(list[i/n])
			if len(q.Prompt.texts) > 0 {
				a.choices[i].echo = q.Prompt.texts[i/n]
			}
		}
	}
	return s.reply(w, run, &q.params, a)
}

// promptTokens are the tokens of each prompt.
func (s *Server) promptTokens(p prompts) ([][]int32, error) {
	list := p.tokens
	for _, text := range p.texts {
		ids, err := s.tok.Encode(text, true, true)
		if err != nil {
			return nil, invalid("prompt", "%v", err)
		}
		list = append(list, ids)
	}
	if len(list) == 0 {
		return nil, invalid("prompt", "is missing")
	}
	return list, nil
}

// textReply makes answers of /v1/completions.
type textReply struct {
	server  *Server
	id      string
	created int64
	probs   bool
	choices []textChoice
}

type textChoice struct {
	echo   string // still to be written
	text   string
	tokens []tokenProbs
	offset int // of the next token, in characters
	finish *string
}

type textLogProbs struct {
	Tokens  []string             `json:"tokens"`
	Probs   []float64            `json:"token_logprobs"`
	Top     []map[string]float64 `json:"top_logprobs"`
	Offsets []int                `json:"text_offset"`
}

type textItem struct {
	Text     string        `json:"text"`
	Index    int           `json:"index"`
	LogProbs *textLogProbs `json:"logprobs"`
	Finish   *string       `json:"finish_reason"`
}

type textAnswer struct {
	ID      string     `json:"id"`
	Object  string     `json:"object"`
	Created int64      `json:"created"`
	Model   string     `json:"model"`
	Choices []textItem `json:"choices"`
	Usage   *usage     `json:"usage,omitempty"`
}

func (a *textReply) answer(u *usage, items ...textItem) textAnswer {
	if items == nil {
		items = []textItem{}
	}
	return textAnswer{a.id, "text_completion", a.created, a.server.o.Name, items, u}
}

func (a *textReply) note(choice int, p part) {
	c := &a.choices[choice]
	c.text, c.echo = c.text+c.echo+p.text, ""
	c.tokens = append(c.tokens, p.tokens...)
	if p.ended {
		c.finish = finish(p.reason)
	}
}

func (a *textReply) whole(u usage) any {
	items := make([]textItem, len(a.choices))
	for i := range a.choices {
		c := &a.choices[i]
		items[i] = textItem{c.text, i, a.logProbs(c, c.tokens), c.finish}
	}
	return a.answer(&u, items...)
}

func (a *textReply) chunk(choice int, p part) []any {
	c := &a.choices[choice]
	item := textItem{c.echo + p.text, choice, a.logProbs(c, p.tokens), nil}
	if c.echo = ""; p.ended {
		item.Finish = finish(p.reason)
	}
	return []any{a.answer(nil, item)}
}

func (a *textReply) last(u usage) any { return a.answer(&u) }

func (a *textReply) logProbs(c *textChoice, tokens []tokenProbs) *textLogProbs {
	if !a.probs {
		return nil
	}
	out := &textLogProbs{[]string{}, []float64{}, []map[string]float64{}, []int{}}
	for _, t := range tokens {
		piece := a.server.piece(t.ID)
		top := map[string]float64{}
		for _, b := range t.best {
			top[a.server.piece(b.ID)] = leastProb(b.LogProb)
		}
		out.Tokens, out.Probs, out.Top, out.Offsets = append(out.Tokens, piece), append(out.Probs, leastProb(t.LogProb)), append(out.Top, top), append(out.Offsets, c.offset)
		c.offset += utf8.RuneCountInString(piece)
	}
	return out
}
