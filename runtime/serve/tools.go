package serve

import (
	"encoding/json"
	"strings"

	"github.com/carat-llm/carat/runtime/chat"
)

// toolParser finds calls of tools in a text as it comes, in the forms that models are trained to write:
//
//	<tool_call>{"name": …, "arguments": {…}}</tool_call>     Hermes, Qwen
//	<|python_tag|>{"name": …, "parameters": {…}}             Llama 3, also without the tag as the whole text
//	[TOOL_CALLS][{"name": …, "arguments": {…}}]              Mistral
//	[TOOL_CALLS]name[ARGS]{…}                                Mistral, since 2025
//
// A text before the calls is passed on. What looks like a call and is none is text.
type toolParser struct {
	held string // not passed on
	kept bool   // held begins with a call, so that all that follows is held
	any  bool   // something was passed on
}

var toolMarks = []string{"<tool_call>", "[TOOL_CALLS]", "<|python_tag|>"}

// write adds to the text, and returns what is certainly no call.
func (p *toolParser) write(text string) (out string) {
	p.held += text
	if p.kept {
		return ""
	}
	at := len(p.held)
	for _, mark := range toolMarks {
		if i := strings.Index(p.held, mark); i >= 0 && i < at {
			at, p.kept = i, true
		}
	}
	if !p.kept {
		if start := strings.TrimSpace(p.held); !p.any && (start == "" || start[0] == '{') {
			return "" // it may be the whole text
		}
		at -= p.undecided()
	}
	out, p.held = p.held[:at], p.held[at:]
	p.any = p.any || out != ""
	return out
}

// undecided is the length of the end of the text that may be the beginning of a mark.
func (p *toolParser) undecided() (n int) {
	for _, mark := range toolMarks {
		for k := min(len(mark)-1, len(p.held)); k > n; k-- {
			if strings.HasSuffix(p.held, mark[:k]) {
				n = k
			}
		}
	}
	return n
}

// end returns the calls, and the text that is left when there are none.
func (p *toolParser) end() (text string, calls []chat.ToolCall) {
	held := p.held
	p.held = ""
	rest := strings.TrimSpace(held)
	switch {
	case strings.HasPrefix(rest, "<tool_call>"):
		for rest != "" {
			body, found := strings.CutPrefix(rest, "<tool_call>")
			if !found {
				return held, nil
			}
			body, after, _ := strings.Cut(body, "</tool_call>")
			list := objects(body)
			if len(list) == 0 {
				return held, nil
			}
			calls, rest = append(calls, list...), strings.TrimSpace(after)
		}
	case strings.HasPrefix(rest, "[TOOL_CALLS]"):
		for _, body := range strings.Split(rest, "[TOOL_CALLS]")[1:] {
			if name, arguments, found := strings.Cut(body, "[ARGS]"); found {
				body = `{"name":` + quote(strings.TrimSpace(name)) + `,"arguments":` + arguments + `}`
			}
			list := objects(body)
			if len(list) == 0 {
				return held, nil
			}
			calls = append(calls, list...)
		}
	default:
		calls = objects(strings.TrimPrefix(rest, "<|python_tag|>"))
	}
	if len(calls) == 0 {
		return held, nil
	}
	return "", calls
}

func quote(s string) string {
	b, _ := json.Marshal(s) // of a string there is always JSON
	return string(b)
}

// objects are the calls of a text of JSON: an array, or objects one behind the other, with semicolons or nothing between them. None if one
// is no call.
func objects(text string) (calls []chat.ToolCall) {
	type object struct {
		Name       string          `json:"name"`
		Arguments  json.RawMessage `json:"arguments"`
		Parameters json.RawMessage `json:"parameters"`
	}
	var list []object
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "[") {
		if json.Unmarshal([]byte(text), &list) != nil {
			return nil
		}
	} else {
		for text != "" {
			d := json.NewDecoder(strings.NewReader(text))
			var o object
			if d.Decode(&o) != nil {
				return nil
			}
			list, text = append(list, o), strings.TrimLeft(text[d.InputOffset():], " \t\r\n;")
		}
	}
	for _, o := range list {
		arguments := o.Arguments
		if arguments == nil {
			arguments = o.Parameters
		}
		var inner string
		if json.Unmarshal(arguments, &inner) == nil && inner != "" { // a text that holds JSON
			arguments = json.RawMessage(inner)
		}
		if o.Name == "" || !strings.HasPrefix(strings.TrimSpace(string(arguments)), "{") || !json.Valid(arguments) {
			return nil
		}
		calls = append(calls, chat.ToolCall{ID: callID(), Type: "function", Function: chat.Function{Name: o.Name, Arguments: string(arguments)}})
	}
	return calls
}
