package general

import "go.yaml.in/yaml/v4"

// maxDepth bounds how far aliases are followed: they may stand in a circle.
const maxDepth = 8

// maxMerges bounds how many mappings make up one: each may merge others several times, and these others.
const maxMerges = 100

// resolve follows aliases. What is not there is nil.
func resolve(n *yaml.Node) *yaml.Node {
	for range maxDepth {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

// fields are a mapping's values by key; of keys that stand twice the last counts. Another node has none.
func fields(n *yaml.Node) map[string]*yaml.Node {
	out, budget := map[string]*yaml.Node{}, maxMerges
	collect(out, n, &budget)
	return out
}

// collect puts n's values over those in out. Merged mappings (<<) count less than what stands in n itself.
func collect(out map[string]*yaml.Node, n *yaml.Node, budget *int) {
	n = resolve(n)
	if n == nil || n.Kind != yaml.MappingNode || *budget == 0 {
		return
	}
	*budget--
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != "<<" {
			continue
		}
		merged := []*yaml.Node{n.Content[i+1]}
		if items := itemsOf(merged[0]); items != nil {
			merged = items
		}
		for j := len(merged) - 1; j >= 0; j-- {
			collect(out, merged[j], budget)
		}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := resolve(n.Content[i]); key != nil && key.Kind == yaml.ScalarNode && key.Value != "<<" {
			out[key.Value] = n.Content[i+1]
		}
	}
}

// itemsOf are a sequence's nodes.
func itemsOf(n *yaml.Node) []*yaml.Node {
	if n = resolve(n); n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// textOf is a scalar as it is written, which keeps "no", 1.10 and dates what they are; null is none.
func textOf(n *yaml.Node) (string, bool) {
	n = resolve(n)
	if n == nil || n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return "", false
	}
	return n.Value, true
}

func textsOf(ns []*yaml.Node) []string {
	var out []string
	for _, n := range ns {
		if s, ok := textOf(n); ok {
			out = append(out, s)
		}
	}
	return out
}
