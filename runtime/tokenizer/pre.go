package tokenizer

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/gguf/names"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/dlclark/regexp2/v2"
)

// Splitter divides texts by regular expressions that are applied one after the other, each to the parts that the
// one before left.
type Splitter struct{ patterns []*regexp2.Regexp }

// NewSplitter compiles expressions in the dialect of tokenizer.json. A text on which one of them takes longer than
// limit is left whole by it; 0 is no limit.
func NewSplitter(patterns []string, limit time.Duration) (*Splitter, error) {
	s := &Splitter{}
	for _, p := range patterns {
		re, err := regexp2.Compile(p)
		if err != nil {
			return nil, fmt.Errorf("regular expression %q: %w", p, err)
		}
		if limit > 0 {
			re.MatchTimeout = limit
		}
		s.patterns = append(s.patterns, re)
	}
	return s, nil
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
	parts := validRuns(text)
	for _, re := range s.patterns {
		var out []string
		for _, p := range parts {
			out = appendSplit(out, re, p)
		}
		parts = out
	}
	return parts
}

// appendSplit appends the matches of re in text and what is between them.
func appendSplit(out []string, re *regexp2.Regexp, text string) []string {
	matches, err := re.FindAllStringIndex(text, -1)
	if err != nil {
		return append(out, text) // only the time limit can fail
	}
	at := 0
	for _, m := range matches {
		if m[0] > at {
			out = append(out, text[at:m[0]])
		}
		if m[1] > m[0] {
			out = append(out, text[m[0]:m[1]])
		}
		at = m[1]
	}
	if at < len(text) {
		out = append(out, text[at:])
	}
	return out
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
