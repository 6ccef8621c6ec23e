package tokenizer

import (
	"cmp"
	"slices"
)

// trie finds all tokens that a text begins with. The children of a node are next to each other, in the order of their
// bytes.
type trie struct {
	bytes []byte // which leads to the node
	nodes []trieNode
}

type trieNode struct {
	token int32 // -1 where none ends
	first int32 // child
	count int32 // of children
}

// newTrie knows texts by their ids.
func newTrie(ids map[string]int32) *trie {
	texts := make([]string, 0, len(ids))
	for s := range ids {
		texts = append(texts, s)
	}
	slices.Sort(texts)
	t := &trie{bytes: []byte{0}, nodes: []trieNode{{token: -1}}}
	// Breadth first: node i stands for texts[from:to], which agree on their first depth bytes.
	type span struct{ from, to, depth int }
	spans := []span{{0, len(texts), 0}}
	for i := 0; i < len(spans); i++ {
		s := spans[i]
		if s.from < s.to && len(texts[s.from]) == s.depth {
			t.nodes[i].token = ids[texts[s.from]]
			s.from++
		}
		t.nodes[i].first = int32(len(t.nodes))
		for from := s.from; from < s.to; {
			c := texts[from][s.depth]
			n, _ := slices.BinarySearchFunc(texts[from:s.to], int(c)+1, func(x string, c int) int { return cmp.Compare(int(x[s.depth]), c) })
			t.bytes = append(t.bytes, c)
			t.nodes = append(t.nodes, trieNode{token: -1})
			spans = append(spans, span{from, from + n, s.depth + 1})
			t.nodes[i].count++
			from += n
		}
	}
	return t
}

// child is the node that c leads to, or -1.
func (t *trie) child(node int32, c byte) int32 {
	n := &t.nodes[node]
	below := t.bytes[n.first : n.first+n.count]
	if len(below) < 12 {
		for i, x := range below {
			if x == c {
				return n.first + int32(i)
			}
		}
		return -1
	}
	if i, ok := slices.BinarySearch(below, c); ok {
		return n.first + int32(i)
	}
	return -1
}
