package tokenizer

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/gguf/names"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/dlclark/regexp2/v2"
)

// Splitter divides texts by regular expressions that are applied one after the other, each to the parts that the
// one before left.
type Splitter struct{ steps []divider }

// divider calls yield for the matches of an expression in text and for what is between them.
type divider interface {
	split(text string, yield func(part string))
}

// NewSplitter makes dividers of expressions in the dialect of tokenizer.json: scanners where there are, compiled ones
// otherwise. A text on which one of those takes longer than limit is left whole by it; 0 is no limit.
func NewSplitter(patterns []string, limit time.Duration) (*Splitter, error) {
	s := &Splitter{}
	for _, p := range patterns {
		if scan := scannerFor(p); scan != nil {
			s.steps = append(s.steps, scan)
			continue
		}
		re, err := compile(p)
		if err != nil {
			return nil, err
		}
		if limit > 0 {
			re.MatchTimeout = limit
		}
		s.steps = append(s.steps, expression{re})
	}
	return s, nil
}

func compile(pattern string) (*regexp2.Regexp, error) {
	re, err := regexp2.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("regular expression %q: %w", pattern, err)
	}
	return re, nil
}

var (
	compiled   = map[string]*Splitter{}
	compiledMu sync.Mutex
)

// splitterFor returns what the pre-tokenizer of that name splits by.
func splitterFor(name string) (*Splitter, names.PreTokenizer, error) {
	p, ok := names.Find(name)
	switch {
	case !ok:
		return nil, p, fmt.Errorf("%w: tokenizer.ggml.pre: unknown pre-tokenizer %q%s", gguf.ErrInput, name, suggest.DidYouMean(name, names.All()))
	case p.Splits == nil:
		return nil, p, fmt.Errorf("%w: tokenizer.ggml.pre: pre-tokenizer %q is not supported by carat's runtime", gguf.ErrUnsupported, name)
	}
	compiledMu.Lock()
	defer compiledMu.Unlock()
	if s, ok := compiled[name]; ok {
		return s, p, nil
	}
	s, err := NewSplitter(p.Splits, 0)
	if err != nil {
		return nil, p, err
	}
	compiled[name] = s
	return s, p, nil
}

// Split cuts text; nothing of it is lost. Bytes that are no UTF-8 make parts of their own.
func (s *Splitter) Split(text string) []string {
	var out []string
	s.Each(text, func(part string) { out = append(out, part) })
	return out
}

// Each calls yield for the parts of text, from the first to the last.
func (s *Splitter) Each(text string, yield func(part string)) {
	last := yield
	for i := len(s.steps) - 1; i >= 0; i-- {
		step, next := s.steps[i], yield
		yield = func(part string) { step.split(part, next) }
	}
	if utf8.ValidString(text) {
		if text != "" {
			yield(text)
		}
		return
	}
	for _, run := range validRuns(text) {
		if utf8.ValidString(run) {
			yield(run)
		} else {
			last(run)
		}
	}
}

// expression divides by a compiled expression.
type expression struct{ *regexp2.Regexp }

func (e expression) split(text string, yield func(part string)) {
	matches, err := e.FindAllStringIndex(text, -1)
	if err != nil {
		yield(text) // only the time limit can fail
		return
	}
	at := 0
	for _, m := range matches {
		if m[0] > at {
			yield(text[at:m[0]])
		}
		if m[1] > m[0] {
			yield(text[m[0]:m[1]])
		}
		at = m[1]
	}
	if at < len(text) {
		yield(text[at:])
	}
}

// validRuns cuts text into valid UTF-8 and runs of other bytes.
func validRuns(text string) []string {
	var out []string
	start, valid := 0, true
	flush := func(end int) {
		if end > start {
			out = append(out, text[start:end])
		}
		start = end
	}
	for i, r := range text {
		// A decoding error is U+FFFD of width 1; the character itself has width 3.
		ok := r != 0xfffd || strings.HasPrefix(text[i:], "�")
		if ok != valid {
			flush(i)
			valid = ok
		}
	}
	flush(len(text))
	return out
}
