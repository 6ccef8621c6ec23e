package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/report"
)

// tensorGroup is the tensors of one role and type: a row of the table of tensors.
type tensorGroup struct {
	Role, Type string
	Name       string // "blk.{0-3,7}.attn_q"
	Count      int
	Bytes      int64
	Tensors    []*report.Tensor

	low, high, sum float64
	compared       int
}

// Error is the mean of the errors and their range.
func (g *tensorGroup) Error() string {
	switch {
	case g.compared == 0:
		return ""
	case g.high == 0:
		return "exact"
	case g.compared == 1:
		return fmt.Sprintf("%.4f", g.sum)
	}
	return fmt.Sprintf("%.4f (%.4f – %.4f)", g.sum/float64(g.compared), g.low, g.high)
}

// tensorGroups gathers tensors that have role and type in common, in the order of their first ones.
func tensorGroups(ts []report.Tensor) []*tensorGroup {
	type key struct {
		role, kind string
		inLayer    bool
	}
	at := map[key]*tensorGroup{}
	var out []*tensorGroup
	for i := range ts {
		t := &ts[i]
		k := key{t.Role, t.Type, t.Layer >= 0}
		g := at[k]
		if g == nil {
			g = &tensorGroup{Role: t.Role, Type: t.Type}
			at[k] = g
			out = append(out, g)
		}
		g.Count++
		g.Bytes += t.Bytes
		g.Tensors = append(g.Tensors, t)
		if t.Error != nil {
			if g.compared == 0 {
				g.low, g.high = *t.Error, *t.Error
			}
			g.low, g.high = min(g.low, *t.Error), max(g.high, *t.Error)
			g.sum += *t.Error
			g.compared++
		}
	}
	for _, g := range out {
		g.Name = g.Role
		if g.Tensors[0].Layer >= 0 {
			g.Name = "blk." + layerRanges(g.Tensors) + "." + g.Role
		}
	}
	return out
}

// layerRanges is "{0-3,7}", or the one number.
func layerRanges(ts []*report.Tensor) string {
	var n []int
	for _, t := range ts {
		n = append(n, t.Layer)
	}
	slices.SortFunc(n, cmp.Compare)
	n = slices.Compact(n)
	if len(n) == 1 {
		return fmt.Sprint(n[0])
	}
	var s []string
	for i := 0; i < len(n); {
		j := i
		for j+1 < len(n) && n[j+1] == n[j]+1 {
			j++
		}
		switch {
		case j == i:
			s = append(s, fmt.Sprint(n[i]))
		default:
			s = append(s, fmt.Sprintf("%d-%d", n[i], n[j]))
		}
		i = j + 1
	}
	return "{" + strings.Join(s, ",") + "}"
}
