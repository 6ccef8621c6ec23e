package serve

import (
	"strings"

	"github.com/carat-llm/carat/runtime/chat"
)

// harmony reads the messages that gpt-oss writes, as they come:
//
//	<|channel|>analysis<|message|>…<|end|>                                           what it thinks
//	<|start|>assistant<|channel|>commentary to=functions.f <|constrain|>json<|message|>{…}<|call|>
//	<|start|>assistant<|channel|>final<|message|>…<|return|>                         the answer
//
// A text that does not begin so is answer as a whole.
type harmony struct {
	held  string
	in    place
	head  string // of the message: from <|start|> or <|channel|> to <|message|>
	calls []chat.ToolCall
	call  strings.Builder // arguments
}

// place is where in the messages a text is.
type place int

const (
	before  place = iota // nothing but white space was there
	within               // a head
	body                 // a message
	between              // behind a message
	plain                // no messages
)

var headMarks, bodyMarks = []string{"<|channel|>", "<|start|>"}, []string{"<|end|>", "<|call|>", "<|return|>", "<|start|>", "<|channel|>"}

// write adds to the text and returns what of it is certainly answer, and what thoughts.
func (h *harmony) write(text string) (answer, thoughts string) {
	h.held += text
	for {
		switch h.in {
		case before, between:
			rest := strings.TrimLeft(h.held, " \n")
			at, mark := first(rest, headMarks)
			switch {
			case at == 0:
				h.in, h.head, h.held = within, "", rest[len(mark):]
				continue
			case h.in == before && rest != "" && open(rest, headMarks) != len(rest):
				h.in = plain
				continue
			case h.in == between && at > 0:
				h.held = rest[at:]
				continue
			}
			return answer, thoughts
		case within:
			head, rest, found := strings.Cut(h.held, "<|message|>")
			if !found {
				return answer, thoughts
			}
			h.in, h.head, h.held = body, head, rest
			h.call.Reset()
		case body:
			at, mark := first(h.held, bodyMarks)
			n := at
			if at < 0 {
				n = len(h.held) - open(h.held, bodyMarks)
			}
			a, t := h.put(h.held[:n])
			answer, thoughts, h.held = answer+a, thoughts+t, h.held[n:]
			if at < 0 {
				return answer, thoughts
			}
			answer += h.finish()
			h.in = between
			if strings.HasPrefix(mark, "<|s") || strings.HasPrefix(mark, "<|ch") {
				continue // of the next head
			}
			h.held = h.held[len(mark):]
		case plain:
			answer, h.held = answer+h.held, ""
			return answer, thoughts
		}
	}
}

// first is the place of the first of marks; -1 if there is none.
func first(text string, marks []string) (at int, mark string) {
	at = -1
	for _, m := range marks {
		if i := strings.Index(text, m); i >= 0 && (at < 0 || i < at) {
			at, mark = i, m
		}
	}
	return at, mark
}

// open is the length of the end of a text that may be the beginning of one of marks.
func open(text string, marks []string) (n int) {
	for _, m := range marks {
		for k := min(len(m)-1, len(text)); k > n; k-- {
			if strings.HasSuffix(text, m[:k]) {
				n = k
			}
		}
	}
	return n
}

// recipient is the function that the message is for; empty if it is for the user.
func (h *harmony) recipient() string {
	_, to, found := strings.Cut(h.head, "to=")
	if !found {
		return ""
	}
	if end := strings.IndexAny(to, " <\n\t"); end >= 0 {
		to = to[:end]
	}
	return strings.TrimPrefix(to, "functions.")
}

// put passes on a text of the message.
func (h *harmony) put(text string) (answer, thoughts string) {
	switch {
	case h.recipient() != "":
		h.call.WriteString(text)
		return "", ""
	case strings.Contains(h.head, "analysis"):
		return "", text
	}
	return text, ""
}

// finish ends the message, and returns a call that is none, as text.
func (h *harmony) finish() (broken string) {
	name := h.recipient()
	if name == "" {
		return ""
	}
	calls := one(name, h.call.String())
	if h.calls = append(h.calls, calls...); len(calls) == 0 {
		return h.call.String()
	}
	return ""
}

// end returns what was held, and the calls.
func (h *harmony) end() (answer, thoughts string, calls []chat.ToolCall) {
	if h.in == body {
		answer, thoughts = h.put(h.held)
		answer += h.finish()
	} else if h.in == before {
		answer = h.held
	}
	h.held = ""
	return answer, thoughts, h.calls
}
