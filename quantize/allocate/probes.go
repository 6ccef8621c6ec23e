package allocate

import (
	"math"
	"regexp"
	"slices"
	"strconv"
)

// Sensitivities of tensors of one role change slowly from layer to layer, but for the first and last ones. Of a role's layers the first three
// are probed, the last two, and every third between them; the others have what lies between those on either side.
const (
	probedFirst = 3
	probedLast  = 2
	probedEvery = 3
)

// probedAt says whether the i-th of n tensors of a role is probed.
func probedAt(i, n int) bool {
	return i < probedFirst || i >= n-probedLast || (i-probedFirst+1)%probedEvery == 0
}

var layerNumber = regexp.MustCompile(`^blk\.(\d+)\.`)

// roles groups names that differ in the layer's number alone, by rising number.
func roles(names []string) [][]string {
	type numbered struct {
		layer int
		name  string
	}
	groups := map[string][]numbered{}
	var order []string
	for _, name := range names {
		role, layer := name, 0
		if m := layerNumber.FindStringSubmatch(name); m != nil {
			layer, _ = strconv.Atoi(m[1]) // digits
			role = name[len(m[0]):]
		}
		if groups[role] == nil {
			order = append(order, role)
		}
		groups[role] = append(groups[role], numbered{layer, name})
	}
	var all [][]string
	for _, role := range order {
		group := groups[role]
		slices.SortStableFunc(group, func(a, b numbered) int { return a.layer - b.layer })
		var list []string
		for _, x := range group {
			list = append(list, x.name)
		}
		all = append(all, list)
	}
	return all
}

// probes lists the names whose sensitivities are measured.
func probes(names []string) map[string]bool {
	probed := map[string]bool{}
	for _, group := range roles(names) {
		for i, name := range group {
			if probedAt(i, len(group)) {
				probed[name] = true
			}
		}
	}
	return probed
}

// interpolate gives the tensors that were not probed what lies between those of their role on either side, on a logarithmic scale.
func interpolate(tensors []Tensor, probed map[string]bool) {
	var names []string
	at := map[string]int{}
	for i, t := range tensors {
		names, at[t.Name] = append(names, t.Name), i
	}
	for _, group := range roles(names) {
		for i, name := range group {
			if probed[name] {
				continue
			}
			before, behind := i, i
			for before >= 0 && !probed[group[before]] {
				before--
			}
			for behind < len(group) && !probed[group[behind]] {
				behind++
			}
			switch t := &tensors[at[name]]; {
			case before < 0 && behind == len(group): // no such tensor was met where it would have been probed
			case before < 0:
				t.Sensitivity = tensors[at[group[behind]]].Sensitivity
			case behind == len(group):
				t.Sensitivity = tensors[at[group[before]]].Sensitivity
			default:
				a, b := tensors[at[group[before]]].Sensitivity, tensors[at[group[behind]]].Sensitivity
				t.Sensitivity = between(a, b, float64(i-before)/float64(behind-before))
			}
		}
	}
}

// between is what lies a share of the way from a to b.
func between(a, b, share float64) float64 {
	if a > 0 && b > 0 {
		return math.Exp((1-share)*math.Log(a) + share*math.Log(b))
	}
	return (1-share)*a + share*b
}
