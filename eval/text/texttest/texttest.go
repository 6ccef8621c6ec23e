// Package texttest holds tokenizers and texts for tests.
package texttest

import (
	"errors"
	"math/rand/v2"
	"strings"
)

// Letters is a tokenizer whose tokens are the letters a to h; bos is 7 when AddsBOS.
type Letters struct{ AddsBOS bool }

func (Letters) Encode(text string, _, _ bool) ([]int32, error) {
	var ids []int32
	for _, r := range text {
		ids = append(ids, (r-'a')&7)
	}
	return ids, nil
}
func (Letters) Piece(id int32) []byte { return []byte{byte('a' + id)} }
func (Letters) BOS() (int32, bool)    { return 7, true }
func (w Letters) AddBOS() bool        { return w.AddsBOS }

// Pairs is a tokenizer whose tokens are two letters of a to h.
type Pairs struct{}

func (Pairs) Encode(text string, _, _ bool) (ids []int32, _ error) {
	if len(text)%2 != 0 {
		return nil, errors.New("an odd letter")
	}
	for i := 0; i < len(text); i += 2 {
		ids = append(ids, int32(text[i]-'a')*8+int32(text[i+1]-'a'))
	}
	return ids, nil
}
func (Pairs) Piece(id int32) []byte { return []byte{byte('a' + id/8), byte('a' + id%8)} }
func (Pairs) BOS() (int32, bool)    { return 0, false }
func (Pairs) AddBOS() bool          { return false }

// Prose is n letters from a fixed sequence.
func Prose(n int, seed uint64) string {
	r := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	for range n {
		b.WriteByte('a' + byte(r.IntN(8)))
	}
	return b.String()
}
