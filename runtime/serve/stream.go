package serve

import (
	"encoding/json"
	"net/http"
	"time"
)

// replier is how a kind of completion writes its answers.
type replier interface {
	// chunk is the event of a part, nil if there is nothing to tell yet.
	chunk(choice int, p part) []any
	// whole is the answer when all is written.
	whole(u usage) any
	// last is the event with the usage.
	last(u usage) any
	// note keeps a part for whole.
	note(choice int, p part)
}

// reply answers with what a run writes, as it comes or in the end.
func (s *Server) reply(w http.ResponseWriter, r *run, p *params, a replier) error {
	choices, _ := p.choices()
	if !p.Stream {
		if err := r.each(func(choice int, p part) error { a.note(choice, p); return nil }); err != nil {
			return err
		}
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.o.WriteTimeout))
		answer(w, http.StatusOK, a.whole(r.usage(choices)))
		return nil
	}
	e := s.events(w)
	send := func(v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		return e.send(b)
	}
	err := r.each(func(choice int, p part) error {
		for _, v := range a.chunk(choice, p) {
			if err := send(v); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		if !e.begun {
			return err
		}
		_ = send(map[string]*failure{"error": failureOf(err)})
		return nil
	}
	if p.StreamOptions != nil && p.StreamOptions.IncludeUsage {
		if err := send(a.last(r.usage(choices))); err != nil {
			return nil
		}
	}
	_ = e.send([]byte("[DONE]")) // a client that has gone by now misses nothing
	return nil
}
