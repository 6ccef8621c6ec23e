package vocab

import (
	"encoding/json"
	"slices"
)

// postProcessor is what is used of tokenizer.json's post_processor.
type postProcessor struct {
	Type       string          `json:"type"`
	Processors []postProcessor `json:"processors"`
	Single     []templatePiece `json:"single"`
	Pair       []templatePiece `json:"pair"`
	Cls        pairedToken     `json:"cls"`
	Sep        pairedToken     `json:"sep"`
}

type templatePiece struct {
	SpecialToken struct{ ID string }
	Sequence     struct{ ID string }
}

// pairedToken is a token written as ["<s>", 0].
type pairedToken string

// UnmarshalJSON takes the text; other forms have none.
func (p *pairedToken) UnmarshalJSON(b []byte) error {
	var parts []any
	if json.Unmarshal(b, &parts) == nil && len(parts) > 0 {
		s, _ := parts[0].(string)
		*p = pairedToken(s)
	}
	return nil
}

// each visits the processors of a sequence one after the other.
func (p postProcessor) each(visit func(postProcessor)) {
	if p.Type != "Sequence" {
		visit(p)
		return
	}
	for _, x := range p.Processors {
		x.each(visit)
	}
}

// added tells from a processor which tokens are added to a text, in the reference's order. Where the template ends a
// text with another token than EOS, that one becomes EOS and what was EOS ends a turn. configured says that there is a
// tokenizer_config.json, without which the template's tokens are BOS and EOS.
func (s *specials) added(p postProcessor, configured bool) {
	switch p.Type {
	case "RobertaProcessing":
		for _, t := range []string{"bos", "eos", "sep"} {
			s.adds.set(t, true)
		}
		if s.texts["cls"] == "" {
			s.texts["cls"] = string(p.Cls)
		}
		if s.texts["sep"] == "" {
			s.texts["sep"] = string(p.Sep)
		}
	case "TemplateProcessing":
		s.template(p, configured)
	}
}

func (s *specials) template(p postProcessor, configured bool) {
	first, last := "", ""
	if len(p.Single) > 1 {
		if first = p.Single[0].SpecialToken.ID; first != "" {
			s.beginsWith(first, configured)
			s.adds.set("bos", first == s.texts["bos"] || first == s.texts["cls"])
		}
		if last = p.Single[len(p.Single)-1].SpecialToken.ID; last != "" {
			s.endsWith(last, configured)
			s.adds.set("eos", true)
		}
	}
	pair := p.Pair
	if len(pair) > 0 && first != "" && pair[0].SpecialToken.ID == first {
		pair = pair[1:]
	}
	if len(pair) > 0 && last != "" && pair[len(pair)-1].SpecialToken.ID == last {
		pair = pair[:len(pair)-1]
	}
	if len(pair) < 3 || pair[0].Sequence.ID != "A" || pair[len(pair)-1].Sequence.ID != "B" {
		return
	}
	between := pair[1 : len(pair)-1]
	separates := func(t string) bool { return t != "" && (t == s.texts["sep"] || t == s.texts["eos"]) }
	sep := separates(between[0].SpecialToken.ID) && last == "" ||
		len(between) == 2 && separates(between[1].SpecialToken.ID)
	s.adds.set("sep", sep)
	if sep && s.texts["sep"] == "" {
		s.texts["sep"] = s.texts["eos"]
	}
}

// beginsWith makes token BOS where no file names another.
func (s *specials) beginsWith(token string, configured bool) {
	if !configured || s.texts["bos"] == "" && token != s.texts["cls"] {
		s.texts["bos"] = token
	}
}

// endsWith makes token EOS.
func (s *specials) endsWith(token string, configured bool) {
	if configured && token != s.texts["eos"] {
		for _, t := range []string{"eot", "eom"} {
			if !slices.Contains(s.types, t) {
				s.types = append(slices.Clone(s.types), t)
				s.texts[t] = s.texts["eos"]
				break
			}
		}
	}
	s.texts["eos"] = token
}
