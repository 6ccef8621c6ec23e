package generate

import (
	"bytes"
	"cmp"
	"math"
	"slices"
)

// DRY (don't repeat yourself, p-e-w 2024) makes tokens less likely that would go on with a repetition: when the last n tokens, n at least
// Allowed, stand among the last Window before, the token that followed them there loses Multiplier * Base^(n - Allowed).
type DRY struct {
	Multiplier float64 // 0: no penalties
	Base       float64 // below 1: no penalties
	Allowed    int
	Window     int       // 0: no penalties
	Breakers   []Breaker // repetitions do not reach beyond them
}

// Breaker is a sequence of tokens that ends a repetition: Head and those behind it.
type Breaker struct {
	Head int32
	Tail []int32
}

func (d *DRY) dries() bool { return d.Multiplier > 0 && d.Base >= 1 && d.Window > 0 }

// What of a breaker is looked at: bytes of its text, and tokens behind the first.
const (
	breakerBytes = 40
	breakerTail  = 20
)

// Encoder is a tokenizer that also reads texts.
type Encoder interface {
	Piece(id int32) []byte
	Encode(text string, addSpecial, parseSpecial bool) ([]int32, error)
}

// FindBreakers finds the tokens that texts may be written with: those that have one within, and those that end with the beginning of one,
// with the tokens of the rest.
func FindBreakers(vocab int, tok Encoder, texts []string) (list []Breaker, err error) {
	for _, text := range texts {
		if text == "" {
			continue
		}
		text := []byte(text[:min(len(text), breakerBytes)])
		for id := range int32(vocab) {
			piece := tok.Piece(id)
			if bytes.Contains(piece, text) {
				list = append(list, Breaker{Head: id})
				continue
			}
			for n := min(len(piece), len(text)-1); n > 0; n-- { // bytes of the text that are in this token
				if !bytes.HasSuffix(piece, text[:n]) {
					continue
				}
				tail, err := tok.Encode(string(text[n:]), false, false)
				if err != nil {
					return nil, err
				}
				tail = tail[:min(len(tail), breakerTail)]
				if b := (Breaker{id, tail}); !slices.ContainsFunc(list, b.is) {
					list = append(list, b)
				}
			}
		}
	}
	return list, nil
}

func (b Breaker) is(other Breaker) bool {
	return b.Head == other.Head && slices.Equal(b.Tail, other.Tail)
}

// dryWork is memory of penaliseRepeats.
type dryWork struct {
	back    []int32 // the last tokens, the last first
	same    []int   // for each place in back, how many tokens from there on are those at its beginning
	repeats []repeat
}

// repeat is a token, and the length of a repetition that it would go on with.
type repeat struct {
	id     int32
	length int
}

// penaliseRepeats changes the logits of tokens that would go on with a repetition.
func (s *Sampler) penaliseRepeats(logits []float32) {
	d, w := &s.params.DRY, &s.dry
	if !d.dries() {
		return
	}
	w.back = append(w.back[:0], s.past.last(d.Window)...)
	slices.Reverse(w.back)
	limit := s.sinceBreaker(w.back)
	if len(w.back) <= d.Allowed || limit < d.Allowed {
		return
	}
	w.findSame()
	w.repeats = w.repeats[:0]
	for i, n := range w.same {
		if n = min(n, limit); i > 0 && n >= d.Allowed && !s.breaks(w.back[i-1]) {
			w.repeats = append(w.repeats, repeat{w.back[i-1], n})
		}
	}
	slices.SortFunc(w.repeats, func(a, b repeat) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(b.length, a.length)) })
	for i, r := range w.repeats {
		if (i == 0 || r.id != w.repeats[i-1].id) && r.id >= 0 && int(r.id) < len(logits) { // its longest
			logits[r.id] -= float32(d.penalty(r.length))
		}
	}
}

// penalty is that of a token that goes on with a repetition of n tokens. Powers end where float32 does.
func (d *DRY) penalty(n int) float64 {
	exponent := float64(n - d.Allowed)
	if d.Base > 1.000001 {
		exponent = min(exponent, math.Trunc(math.Log(math.MaxFloat32)/math.Log(d.Base)))
	}
	return min(math.MaxFloat32, d.Multiplier*math.Pow(d.Base, exponent))
}

// findSame sets same by the Z algorithm (Gusfield 1997).
func (w *dryWork) findSame() {
	n := len(w.back)
	w.same = slices.Grow(w.same[:0], n)[:n]
	w.same[0] = 0
	for i, left, right := 1, 0, 0; i < n; i++ { // back[left:right] are tokens of the beginning
		same := 0
		if i < right {
			same = min(right-i, w.same[i-left])
		}
		for i+same < n && w.back[same] == w.back[i+same] {
			same++
		}
		if w.same[i] = same; i+same > right {
			left, right = i, i+same
		}
	}
}

// sinceBreaker is the number of tokens behind the last breaker; all when there is none.
func (s *Sampler) sinceBreaker(back []int32) int {
	for i, id := range back {
		longest := -1
		for _, tail := range s.heads[id] {
			if len(tail) > longest && len(tail) <= i && follows(back[:i], tail) {
				longest = len(tail)
			}
		}
		if longest >= 0 {
			return i - longest
		}
	}
	return len(back)
}

// follows reports whether tail comes first in what back is backwards.
func follows(back, tail []int32) bool {
	for i, id := range tail {
		if back[len(back)-1-i] != id {
			return false
		}
	}
	return true
}

// breaks reports whether a token is a breaker by itself.
func (s *Sampler) breaks(id int32) bool {
	return slices.ContainsFunc(s.heads[id], func(tail []int32) bool { return len(tail) == 0 })
}
