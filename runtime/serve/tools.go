package serve

import (
	"encoding/json"
	"strings"

	"github.com/carat-llm/carat/runtime/chat"
)

// toolParser finds calls of tools in a text as it comes, in the forms that models are trained to write (tools_forms.go). A text before the
// calls is passed on. What looks like a call and is none is text.
type toolParser struct {
	tools tools
	held  string // not passed on
	kept  bool   // held begins with a call, so that all that follows is held
	any   bool   // something was passed on
}

// write adds to the text, and returns what is certainly no call.
func (p *toolParser) write(text string) (out string) {
	p.held += text
	if p.kept {
		return ""
	}
	at := len(p.held)
	for _, f := range toolForms {
		if i := strings.Index(p.held, f.mark); i >= 0 && i < at {
			at, p.kept = i, true
		}
	}
	if !p.kept {
		if !p.any && p.tools.mayBegin(strings.TrimSpace(p.held)) {
			return "" // it may be the whole text
		}
		at -= p.undecided()
	}
	out, p.held = p.held[:at], p.held[at:]
	p.any = p.any || out != ""
	return out
}

// mayBegin reports whether a text, as far as it is there, may be a call as a whole: JSON, [name(…)], or a name and JSON in the next line.
func (t tools) mayBegin(text string) bool {
	if text == "" || text[0] == '{' {
		return true
	}
	name := strings.TrimLeft(strings.TrimPrefix(text, "["), " \n")
	if text[0] == '[' && (name == "" || name[0] == '{') {
		return true
	}
	for known := range t {
		for _, behind := range []string{"(", "\n{"} {
			if whole := known + behind; (behind == "(") == (text[0] == '[') && (strings.HasPrefix(whole, name) || strings.HasPrefix(name, whole)) {
				return true
			}
		}
	}
	return false
}

// undecided is the length of the end of the text that may be the beginning of a mark.
func (p *toolParser) undecided() (n int) {
	for _, f := range toolForms {
		for k := min(len(f.mark)-1, len(p.held)); k > n; k-- {
			if strings.HasSuffix(p.held, f.mark[:k]) {
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
	for _, f := range toolForms {
		if strings.HasPrefix(rest, f.mark) {
			if calls = f.read(p.tools, rest); len(calls) > 0 {
				return "", calls
			}
			return held, nil
		}
	}
	if p.any {
		return held, nil
	}
	for _, read := range wholeForms {
		if calls = read(p.tools, rest); len(calls) > 0 {
			return "", calls
		}
	}
	return held, nil
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
		call, ok := callOf(o.Name, string(arguments))
		if !ok {
			return nil
		}
		calls = append(calls, call)
	}
	return calls
}

// callOf is a call, if arguments are a JSON object.
func callOf(name, arguments string) (chat.ToolCall, bool) {
	name, arguments = strings.TrimSpace(name), strings.TrimSpace(arguments)
	ok := name != "" && strings.HasPrefix(arguments, "{") && json.Valid([]byte(arguments))
	return chat.ToolCall{ID: callID(), Type: "function", Function: chat.Function{Name: name, Arguments: arguments}}, ok
}
