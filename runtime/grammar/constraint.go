package grammar

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strings"
)

// Tokenizer tells what tokens stand for; runtime/tokenizer.Tokenizer is one.
type Tokenizer interface {
	Size() int
	Piece(id int32) []byte
	IsText(id int32) bool // whether it stands for its piece, and is no control token
	IsEOG(id int32) bool
}

// Vocabulary is a trie of the pieces of a tokenizer's tokens, for any number of constraints.
type Vocabulary struct {
	size  int
	nodes []node
	ends  []int32 // tokens that end a text
	tok   Tokenizer
}

// node is one of the trie, in the order of a walk: its first child comes next, and skip is where the walk goes on that leaves it out.
type node struct {
	b     byte
	depth uint16 // of its byte
	skip  int32
	ids   []int32
}

// NewVocabulary makes the trie.
func NewVocabulary(tok Tokenizer) *Vocabulary {
	type token struct {
		piece string
		id    int32
	}
	var tokens []token
	v := &Vocabulary{size: tok.Size(), tok: tok}
	for id := range int32(v.size) {
		switch piece := tok.Piece(id); {
		case tok.IsEOG(id):
			v.ends = append(v.ends, id)
		case tok.IsText(id) && len(piece) > 0 && len(piece) <= math.MaxUint16:
			tokens = append(tokens, token{string(piece), id})
		}
	}
	slices.SortFunc(tokens, func(a, b token) int { return cmp.Or(strings.Compare(a.piece, b.piece), int(a.id-b.id)) })
	var path []int // the nodes of the piece before
	leave := func(depth int) {
		for _, n := range path[depth:] {
			v.nodes[n].skip = int32(len(v.nodes))
		}
		path = path[:depth]
	}
	for _, t := range tokens {
		same := 0
		for same < len(path) && same < len(t.piece) && v.nodes[path[same]].b == t.piece[same] {
			same++
		}
		leave(same)
		for depth := same; depth < len(t.piece); depth++ {
			path = append(path, len(v.nodes))
			v.nodes = append(v.nodes, node{b: t.piece[depth], depth: uint16(depth)})
		}
		end := &v.nodes[path[len(path)-1]]
		end.ids = append(end.ids, t.id)
	}
	leave(0)
	return v
}

// Constraint holds one text to a grammar. It is generate.Options.Constraint.
type Constraint struct {
	v     *Vocabulary
	m     *machine
	at    int32
	masks map[int32][]uint64 // tokens that fit, by set
	path  []int32
}

// maxMasks bounds the masks that are kept, of vocabulary/8 bytes each.
const maxMasks = 256

// Constrain begins a text.
func (g *Grammar) Constrain(v *Vocabulary) *Constraint {
	c := &Constraint{v: v, masks: map[int32][]uint64{}}
	c.m, c.at = newMachine(g)
	return c
}

// MayEnd reports whether the text so far is one of the grammar.
func (c *Constraint) MayEnd() bool { return c.at >= 0 && c.m.mayEnd(c.at) }

// Mask sets the logits of all tokens that do not fit to negative infinity; tokens that end a text fit where the grammar may end. It is an
// error when none fits.
func (c *Constraint) Mask(logits []float32) error {
	fits, err := c.fitting()
	if err != nil {
		return err
	}
	negative, any := float32(math.Inf(-1)), false
	for i := range logits {
		if i < c.v.size && fits[i>>6]>>(i&63)&1 == 1 {
			any = true
		} else {
			logits[i] = negative
		}
	}
	if !any {
		return bad("grammar: no token of the model's vocabulary continues the text")
	}
	return nil
}

// fitting has a bit for each token that fits.
func (c *Constraint) fitting() ([]uint64, error) {
	if c.at < 0 {
		return nil, tooMany()
	}
	if c.m.full() {
		c.path = append(c.path[:0], c.at)
		c.renew()
		c.at = c.path[0]
	}
	if fits, ok := c.masks[c.at]; ok {
		return fits, nil
	}
	fits := make([]uint64, (c.v.size+63)/64)
	c.path = append(c.path[:0], c.at)
	for i := 0; i < len(c.v.nodes); {
		n := &c.v.nodes[i]
		if c.m.full() {
			c.path = c.path[:n.depth+1]
			c.renew()
			c.at = c.path[0]
		}
		next := c.m.step(c.path[n.depth], n.b)
		if next < 0 {
			return nil, tooMany()
		}
		if next == 0 {
			i = int(n.skip)
			continue
		}
		for _, id := range n.ids {
			fits[id>>6] |= 1 << (id & 63)
		}
		c.path = append(c.path[:n.depth+1], next)
		i++
	}
	if c.m.mayEnd(c.at) {
		for _, id := range c.v.ends {
			fits[id>>6] |= 1 << (id & 63)
		}
	}
	if len(c.masks) >= maxMasks {
		clear(c.masks)
	}
	c.masks[c.at] = fits
	return fits, nil
}

// renew bounds the machine's memory. The sets of path are kept, with new numbers.
func (c *Constraint) renew() {
	c.m.renew(c.path)
	clear(c.masks)
}

// Count is the number of tokens that fit next.
func (c *Constraint) Count() (n int, err error) {
	fits, err := c.fitting()
	for _, w := range fits {
		n += bits.OnesCount64(w)
	}
	return n, err
}

// Accept goes on behind a token, which must be one that fits.
func (c *Constraint) Accept(id int32) error {
	if c.v.tok.IsEOG(id) {
		return nil
	}
	return c.read(c.v.tok.Piece(id))
}

func (c *Constraint) read(text []byte) error {
	for _, b := range text {
		if c.at < 0 {
			return tooMany()
		}
		if c.at = c.m.step(c.at, b); c.at == 0 {
			return bad("grammar: %q does not fit", text)
		}
	}
	return nil
}

func tooMany() error {
	return bad("grammar: there are too many ways to read the text; make it less ambiguous")
}

// Matches reports whether a whole text is one of the grammar.
func (g *Grammar) Matches(text string) bool {
	c := g.Constrain(&Vocabulary{})
	return c.read([]byte(text)) == nil && c.MayEnd()
}
