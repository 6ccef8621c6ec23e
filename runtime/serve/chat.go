package serve

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/runtime/chat"
)

// chatRequest is the body of /v1/chat/completions.
type chatRequest struct {
	params
	Messages     []message         `json:"messages"`
	Tools        []json.RawMessage `json:"tools"`
	ToolChoice   json.RawMessage   `json:"tool_choice"`
	LogProbs     bool              `json:"logprobs"`
	TopLogProbs  int               `json:"top_logprobs"`
	TemplateVars map[string]any    `json:"chat_template_kwargs"`
}

// message is one of a conversation; its content is a text, parts of a text, or null beside calls of tools.
type message struct {
	Role      string          `json:"role"`
	Content   content         `json:"content"`
	Name      string          `json:"name"`
	Reasoning string          `json:"reasoning_content"`
	ToolCalls []chat.ToolCall `json:"tool_calls"`
	CallID    string          `json:"tool_call_id"`
}

type content string

func (c *content) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		*c = content(text)
		return nil
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if json.Unmarshal(b, &parts) != nil {
		return errors.New("content is neither a text, nor an array of parts, nor null")
	}
	for _, p := range parts {
		if p.Type != "text" {
			return fmt.Errorf("content has a part of type %q, but the model reads text only", p.Type)
		}
		*c += content(p.Text)
	}
	return nil
}

func (s *Server) chatCompletions(w http.ResponseWriter, r *http.Request) error {
	var q chatRequest
	if err := s.decode(w, r, &q); err != nil {
		return err
	}
	ids, err := s.conversation(&q)
	if err != nil {
		return err
	}
	if q.TopLogProbs < 0 || q.TopLogProbs > mostTop {
		return invalid("top_logprobs", "must be from 0 to %d (found %d)", mostTop, q.TopLogProbs)
	}
	if q.TopLogProbs > 0 && !q.LogProbs {
		return invalid("top_logprobs", "needs logprobs to be true")
	}
	run, err := s.start(r.Context(), [][]int32{ids}, &q.params, q.LogProbs, q.TopLogProbs)
	if err != nil {
		return err
	}
	defer run.close()
	a := &chatReply{server: s, id: newID("chatcmpl-"), created: time.Now().Unix(), probs: q.LogProbs, choices: make([]chatChoice, len(run.jobs))}
	for i := range a.choices {
		if len(q.Tools) > 0 {
			a.choices[i].parser = &toolParser{tools: toolsOf(q.Tools)}
		}
		if s.channels {
			a.choices[i].harmony = new(harmony)
		}
	}
	return s.reply(w, run, &q.params, a)
}

// conversation are the tokens of the messages, as the model's template writes them.
func (s *Server) conversation(q *chatRequest) ([]int32, error) {
	if s.template == nil {
		return nil, refused(http.StatusBadRequest, "invalid_request_error", "no_predictions", "this is an embedding model, which writes no text; use /v1/embeddings")
	}
	if len(q.Messages) == 0 {
		return nil, invalid("messages", "expected at least one")
	}
	messages := make([]chat.Message, len(q.Messages))
	for i, m := range q.Messages {
		if m.Role == "" {
			return nil, invalid(fmt.Sprintf("messages[%d].role", i), "is missing")
		}
		if m.Role == "developer" { // what OpenAI calls system messages by now
			m.Role = "system"
		}
		messages[i] = chat.Message{Role: m.Role, Content: string(m.Content), Name: m.Name, Reasoning: m.Reasoning, ToolCalls: m.ToolCalls, CallID: m.CallID}
	}
	if err := q.readTools(); err != nil {
		return nil, err
	}
	text, err := s.template.Render(messages, chat.Options{Tools: q.Tools, AddGenerationPrompt: true, MergeSystem: true, Vars: q.TemplateVars})
	if errors.Is(err, chat.ErrRefused) || errors.Is(err, gguf.ErrInput) {
		return nil, invalid("messages", "%v", err)
	}
	if err != nil {
		return nil, err
	}
	return chat.Encode(s.tok, text)
}

// chatReply makes answers of /v1/chat/completions.
type chatReply struct {
	server  *Server
	id      string
	created int64
	probs   bool
	choices []chatChoice
}

// chatChoice is one answer so far.
type chatChoice struct {
	parser   *toolParser // nil without tools
	harmony  *harmony    // nil unless the model writes in channels
	begun    bool        // the first event was sent
	calls    int
	text     string
	thoughts string
	tools    []chat.ToolCall
	tokens   []tokenProbs
	finish   *string
}

type chatMessage struct {
	Role     string      `json:"role,omitempty"`
	Content  *string     `json:"content,omitempty"`
	Thoughts string      `json:"reasoning_content,omitempty"`
	Refusal  *string     `json:"refusal,omitempty"`
	Calls    []callDelta `json:"tool_calls,omitempty"`
}

// callDelta is a call; in events it is numbered.
type callDelta struct {
	Index *int `json:"index,omitempty"`
	chat.ToolCall
}

type chatItem struct {
	Index    int           `json:"index"`
	Message  *chatMessage  `json:"message,omitempty"`
	Delta    *chatMessage  `json:"delta,omitempty"`
	LogProbs *chatLogProbs `json:"logprobs"`
	Finish   *string       `json:"finish_reason"`
}

type chatAnswer struct {
	ID      string     `json:"id"`
	Object  string     `json:"object"`
	Created int64      `json:"created"`
	Model   string     `json:"model"`
	Choices []chatItem `json:"choices"`
	Usage   *usage     `json:"usage,omitempty"`
}

func (a *chatReply) answer(object string, u *usage, items ...chatItem) chatAnswer {
	if items == nil {
		items = []chatItem{}
	}
	return chatAnswer{a.id, object, a.created, a.server.o.Name, items, u}
}

// said is what a job wrote, parted.
type said struct {
	text, thoughts string
	calls          []chat.ToolCall
	end            *string
}

// read parts what a job wrote into thoughts, text and calls of tools.
func (c *chatChoice) read(p part) (out said) {
	out.text = p.text
	if c.harmony != nil {
		out.text, out.thoughts = c.harmony.write(p.text)
		if p.ended {
			text, thoughts, calls := c.harmony.end()
			out.text, out.thoughts, out.calls = out.text+text, out.thoughts+thoughts, calls
		}
	}
	if c.parser != nil {
		out.text = c.parser.write(out.text)
		if p.ended {
			text, calls := c.parser.end()
			out.text, out.calls = out.text+text, append(out.calls, calls...)
		}
	}
	c.calls += len(out.calls)
	if p.ended {
		out.end = finish(p.reason)
		if c.calls > 0 {
			word := "tool_calls"
			out.end = &word
		}
	}
	return out
}

func (a *chatReply) note(choice int, p part) {
	c := &a.choices[choice]
	s := c.read(p)
	c.text, c.thoughts, c.tools, c.finish = c.text+s.text, c.thoughts+s.thoughts, append(c.tools, s.calls...), s.end
	c.tokens = append(c.tokens, p.tokens...)
}

func (a *chatReply) whole(u usage) any {
	items := make([]chatItem, len(a.choices))
	for i := range a.choices {
		c := &a.choices[i]
		m := &chatMessage{Role: "assistant", Content: &c.text, Thoughts: c.thoughts}
		for _, call := range c.tools {
			m.Calls = append(m.Calls, callDelta{ToolCall: call})
		}
		items[i] = chatItem{Index: i, Message: m, LogProbs: a.logProbs(c.tokens), Finish: c.finish}
	}
	return a.answer("chat.completion", &u, items...)
}

const chunkObject = "chat.completion.chunk"

func (a *chatReply) chunk(choice int, p part) (out []any) {
	c := &a.choices[choice]
	s := c.read(p)
	event := func(m chatMessage, tokens []tokenProbs, end *string) {
		out = append(out, a.answer(chunkObject, nil, chatItem{Index: choice, Delta: &m, LogProbs: a.logProbs(tokens), Finish: end}))
	}
	if !c.begun {
		c.begun = true
		empty := ""
		event(chatMessage{Role: "assistant", Content: &empty}, nil, nil)
	}
	if s.thoughts != "" {
		event(chatMessage{Thoughts: s.thoughts}, nil, nil)
	}
	if s.text != "" || len(p.tokens) > 0 {
		event(chatMessage{Content: &s.text}, p.tokens, nil)
	}
	for i, call := range s.calls {
		number := c.calls - len(s.calls) + i
		event(chatMessage{Calls: []callDelta{{&number, call}}}, nil, nil)
	}
	if s.end != nil {
		event(chatMessage{}, nil, s.end)
	}
	return out
}

func (a *chatReply) last(u usage) any { return a.answer(chunkObject, &u) }
