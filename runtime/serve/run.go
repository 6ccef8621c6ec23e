package serve

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/carat-llm/carat/runtime/generate"
)

// run is a request under way: its jobs, one for each choice.
type run struct {
	ctx    context.Context
	cancel context.CancelFunc
	jobs   []*job
	ready  chan struct{}
}

// start queues n jobs for each prompt. Jobs of one prompt have seeds that follow each other. The run's close must be called.
func (s *Server) start(ctx context.Context, list [][]int32, p *params, probs bool, top int) (*run, error) {
	if s.scheduler == nil {
		return nil, refused(http.StatusBadRequest, "invalid_request_error", "no_predictions", "this is an embedding model, which writes no text; use /v1/embeddings")
	}
	n, err := p.choices()
	if err != nil {
		return nil, err
	}
	if err := p.readForm(); err != nil {
		return nil, err
	}
	if len(list)*n > s.o.Slots+s.o.Queue {
		return nil, invalid("n", "%d answers to %d prompts are more than the server's %d slots and its queue of %d hold", n, len(list), s.o.Slots, s.o.Queue)
	}
	bias, err := p.bias(s.engine.Vocab())
	if err != nil {
		return nil, err
	}
	r := &run{ready: make(chan struct{}, 1)}
	r.ctx, r.cancel = context.WithCancel(ctx)
	for i, ids := range list {
		if err := s.check(ids, i); err != nil {
			r.cancel()
			return nil, err
		}
		opts, err := p.options(s.o, s.o.Context-len(ids))
		if err != nil {
			r.cancel()
			return nil, err
		}
		for range n {
			if p.grammar != nil {
				opts.Constraint = p.grammar.Constrain(s.vocabulary())
			}
			r.jobs = append(r.jobs, &job{ctx: r.ctx, prompt: ids, opts: opts, bias: bias, probs: probs, top: top, ready: r.ready})
			opts.Seed++
		}
	}
	if err := s.scheduler.submit(r.jobs...); err != nil {
		r.cancel()
		return nil, err
	}
	return r, nil
}

// check refuses prompts that cannot be evaluated.
func (s *Server) check(ids []int32, number int) error {
	if len(ids) == 0 {
		return invalid("prompt", "prompt %d is empty, and the model has no token that texts begin with", number)
	}
	if len(ids) >= s.o.Context {
		return invalid("", "prompt %d has %d tokens, but there is room for %d, of which the answer needs at least 1", number, len(ids), s.o.Context).withCode("context_length_exceeded")
	}
	for i, id := range ids {
		if id < 0 || int(id) >= s.engine.Vocab() {
			return invalid("prompt", "token %d of prompt %d is %d, but the model has tokens from 0 to %d", i, number, id, s.engine.Vocab()-1)
		}
	}
	return nil
}

// close ends the jobs, if they have not ended.
func (r *run) close() { r.cancel() }

// each gives put what the jobs write, part by part, until all have ended.
func (r *run) each(put func(choice int, p part) error) error {
	ended := make([]bool, len(r.jobs))
	for open := len(r.jobs); ; {
		for i, j := range r.jobs {
			if ended[i] {
				continue
			}
			p := j.take()
			if p.err != nil {
				return p.err
			}
			if p.text == "" && len(p.tokens) == 0 && !p.ended {
				continue
			}
			if p.ended {
				ended[i] = true
				open--
			}
			if err := put(i, p); err != nil {
				return err
			}
		}
		if open == 0 {
			return nil
		}
		select {
		case <-r.ready:
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		}
	}
}

// usage is what a request has cost.
type usage struct {
	Prompt     int           `json:"prompt_tokens"`
	Completion int           `json:"completion_tokens"`
	Total      int           `json:"total_tokens"`
	Details    promptDetails `json:"prompt_tokens_details"`
}

type promptDetails struct {
	Cached int `json:"cached_tokens"`
}

// usage counts each prompt once, whatever the number of answers.
func (r *run) usage(choices int) (u usage) {
	for i, j := range r.jobs {
		prompt, cached, written := j.counts()
		if i%choices == 0 {
			u.Prompt += prompt
			u.Details.Cached += cached
		}
		u.Completion += written
	}
	u.Total = u.Prompt + u.Completion
	return u
}

// finish is a reason in OpenAI's words.
func finish(r generate.Reason) *string {
	word := "stop"
	if r == generate.Limit {
		word = "length"
	}
	return &word
}

// events writes server-sent events.
type events struct {
	w       http.ResponseWriter
	control *http.ResponseController
	wait    time.Duration // for a client that does not read
	begun   bool
}

func (s *Server) events(w http.ResponseWriter) *events {
	return &events{w: w, control: http.NewResponseController(w), wait: s.o.WriteTimeout}
}

// send writes one event, and returns an error when the client is gone or does not read.
func (e *events) send(data []byte) error {
	if !e.begun {
		e.begun = true
		h := e.w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		e.w.WriteHeader(http.StatusOK)
	}
	_ = e.control.SetWriteDeadline(time.Now().Add(e.wait)) // where that can be set
	if _, err := fmt.Fprintf(e.w, "data: %s\n\n", data); err != nil {
		return err
	}
	return e.control.Flush()
}
