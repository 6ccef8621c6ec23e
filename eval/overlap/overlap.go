package overlap

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/carat-llm/carat/gguf"
)

// DefaultNGram is the number of words of an n-gram.
const DefaultNGram = 13

// MaxNGram is the largest that is taken.
const MaxNGram = 1000

// Text is a file's content, UTF-8.
type Text struct{ Name, Data string }

// Result is what one evaluation text shares with one calibration text.
type Result struct {
	Calibration       string `json:"calibration"`
	CalibrationSHA256 string `json:"calibration_sha256"`
	Evaluation        string `json:"evaluation"`
	EvaluationSHA256  string `json:"evaluation_sha256"`
	Identical         bool   `json:"identical"` // the same bytes
	NGram             int    `json:"ngram"`     // words of an n-gram
	NGrams            int    `json:"ngrams"`    // of the evaluation text
	Shared            int    `json:"shared"`    // of them, those that the calibration text holds
	// Share is Shared of NGrams, from 0 to 1; 1 for identical files.
	Share float64 `json:"share"`
	// Runs is the number of stretches of the evaluation text that the shared n-grams form.
	Runs int `json:"runs"`
	// Longest is nil when nothing is shared.
	Longest *Passage `json:"longest,omitempty"`
}

// Passage is a stretch of words that stands in both texts; case, punctuation and white space may differ.
type Passage struct {
	Words             int    `json:"words"`
	CalibrationOffset int    `json:"calibration_offset"` // in bytes
	CalibrationBytes  int    `json:"calibration_bytes"`
	EvaluationOffset  int    `json:"evaluation_offset"`
	EvaluationBytes   int    `json:"evaluation_bytes"`
	Excerpt           string `json:"excerpt"` // of the evaluation text: its beginning on one line
}

// Check compares each evaluation text with each calibration text by n-grams of n words; results have the order of
// evals, and of calib for each. A text with NUL bytes is none, and an evaluation text of fewer than n words cannot be
// checked unless it is identical: both wrap gguf.ErrInput.
func Check(ctx context.Context, calib, evals []Text, n int) ([]Result, error) {
	if n < 1 || n > MaxNGram {
		return nil, fmt.Errorf("%w: n-grams must have between 1 and %d words (got %d)", gguf.ErrInput, MaxNGram, n)
	}
	sums := make([]string, len(calib))
	for i, c := range calib {
		if err := c.check(); err != nil {
			return nil, err
		}
		if empty(c.Data) { // nothing is in it, which would look like a clean result
			return nil, fmt.Errorf("%w: %s has no words", gguf.ErrInput, c.Name)
		}
		sums[i] = c.sha256()
	}
	out := []Result{}
	for _, e := range evals {
		if err := e.check(); err != nil {
			return nil, err
		}
		x, err := newIndex(e, n)
		if err != nil {
			return nil, err
		}
		sum := e.sha256()
		for i, c := range calib {
			r := Result{Calibration: c.Name, CalibrationSHA256: sums[i], Evaluation: e.Name, EvaluationSHA256: sum, Identical: sums[i] == sum, NGram: n, NGrams: len(x.before)}
			if r.NGrams == 0 && !r.Identical {
				return nil, fmt.Errorf("%w: %s has %d words, fewer than an n-gram of %d: use smaller n-grams or a longer text", gguf.ErrInput, e.Name, len(x.starts), n)
			}
			m, err := x.match(ctx, c.Data)
			if err != nil {
				return nil, err
			}
			r.fill(x, m, c, e)
			out = append(out, r)
		}
	}
	return out, nil
}

func (t Text) check() error {
	if at := strings.IndexByte(t.Data, 0); at >= 0 {
		return fmt.Errorf("%w: %s has a NUL at byte %d: it is not UTF-8 text", gguf.ErrInput, t.Name, at)
	}
	return nil
}

func (t Text) sha256() string {
	h := sha256.New()
	_, _ = strings.NewReader(t.Data).WriteTo(h) // a hash takes all
	return hex.EncodeToString(h.Sum(nil))
}

// fill counts what was found.
func (r *Result) fill(x *index, m *match, c, e Text) {
	for i, found := range m.found {
		if !found {
			continue
		}
		r.Shared++
		if i == 0 || !m.found[i-1] {
			r.Runs++
		}
	}
	r.Share = 1
	if !r.Identical {
		r.Share = float64(r.Shared) / float64(r.NGrams)
	}
	if m.longest == 0 {
		return
	}
	n := m.longest + x.n - 1
	first := m.evaluation - m.longest + 1
	p := &Passage{Words: n, EvaluationOffset: int(x.starts[first])}
	p.EvaluationBytes = int(x.ends[first+n-1]) - p.EvaluationOffset
	start, end := span(c.Data, m.calibration-m.longest+1, m.calibration+x.n-1)
	p.CalibrationOffset, p.CalibrationBytes = start, end-start
	p.Excerpt = excerpt(e.Data[p.EvaluationOffset:][:p.EvaluationBytes])
	r.Longest = p
}

// excerptRunes is the length of an excerpt.
const excerptRunes = 160

// excerpt is the beginning of s on one line.
func excerpt(s string) string {
	if len(s) > 16*excerptRunes {
		s = s[:16*excerptRunes]
	}
	line := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " "))
	if len(line) > excerptRunes {
		return string(line[:excerptRunes]) + "..."
	}
	return string(line)
}
