package main

import (
	"fmt"
	"sort"
	"strings"
)

// groupRows merges blk.0.x, blk.1.x, ... with the same shape, types and rule into blk.{0,1-3}.x.
func groupRows(ts []plannedTensor) []plannedTensor {
	type group struct {
		row    plannedTensor
		layers []int
	}
	var order []string
	groups := map[string]*group{}
	for _, t := range ts {
		layer, rest := splitLayer(t.Name)
		key := fmt.Sprint(rest, t.Shape, t.SourceType, t.Type, t.Reason, t.Fallback)
		if layer < 0 {
			key = t.Name
		}
		g, ok := groups[key]
		if !ok {
			g = &group{row: t}
			g.row.Bytes = 0
			groups[key] = g
			order = append(order, key)
		}
		g.row.Bytes += t.Bytes
		if layer >= 0 {
			g.layers = append(g.layers, layer)
			g.row.Name = "blk." + ranges(g.layers) + "." + rest
		}
	}
	rows := make([]plannedTensor, len(order))
	for i, k := range order {
		rows[i] = groups[k].row
	}
	return rows
}

// splitLayer cuts "blk.12.attn_q.weight" into 12 and "attn_q.weight"; other names give -1.
func splitLayer(name string) (int, string) {
	var n int
	rest, ok := strings.CutPrefix(name, "blk.")
	if !ok {
		return -1, name
	}
	num, tail, ok := strings.Cut(rest, ".")
	if _, err := fmt.Sscanf(num, "%d", &n); !ok || err != nil {
		return -1, name
	}
	return n, tail
}

// ranges prints layer numbers as "7", "{0-3}" or "{0-2,5,8}".
func ranges(n []int) string {
	if len(n) == 1 {
		return fmt.Sprint(n[0])
	}
	sort.Ints(n)
	var parts []string
	for i := 0; i < len(n); {
		j := i
		for j+1 < len(n) && n[j+1] == n[j]+1 {
			j++
		}
		if j > i {
			parts = append(parts, fmt.Sprintf("%d-%d", n[i], n[j]))
		} else {
			parts = append(parts, fmt.Sprint(n[i]))
		}
		i = j + 1
	}
	return "{" + strings.Join(parts, ",") + "}"
}
