package model

// share makes a the attention of a layer without keys and values: it uses those of layer source.
func (a *attention) share(source int) { a.shared, a.source = true, source }

// sharedSources says of each layer whose keys and values it uses: its own, but of the last shared ones those of the last layer before
// them that has the same kind of window.
func sharedSources(sliding []bool, shared int) []int {
	sources, own := make([]int, len(sliding)), len(sliding)-shared
	last := map[bool]int{}
	for i := range sources {
		if sources[i] = i; i >= own {
			sources[i] = last[sliding[i]]
		} else {
			last[sliding[i]] = i
		}
	}
	return sources
}

// sharedLayers reads attention.shared_kv_layers.
func (l *loader) sharedLayers(layers int) int {
	n := l.integerOr("attention.shared_kv_layers", 0)
	if n > max(0, layers-2) {
		l.fail("metadata %s is %d, but there are only %d layers", l.key("attention.shared_kv_layers"), n, layers)
		return 0
	}
	return n
}
