package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// entry is one of the things measured in turns: a program at a row of a table. take measures it once and gives figures
// by name.
type entry struct {
	row, name string
	take      func(context.Context) (map[string]float64, error)
}

func (e entry) key() string { return key(e.row, e.name) }

func key(row, name string) string { return row + "\x00" + name }

// results are entries' figures over the rounds, by key and figure, and why entries have none.
type results struct {
	of     map[string]map[string][]float64
	failed []string
}

// turns measures entries in turns: A, B, C, A, B, C. Rounds end early at the time until, but for the first. An entry
// that fails is left out from then on.
func turns(ctx context.Context, rounds int, until time.Time, entries []entry) (results, error) {
	r := results{of: map[string]map[string][]float64{}}
	out := map[string]bool{}
	for round := range rounds {
		if round > 0 && time.Now().After(until) {
			break
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				return r, err
			}
			if out[e.key()] {
				continue
			}
			figures, err := e.take(ctx)
			if err != nil {
				out[e.key()] = true
				r.failed = append(r.failed, fmt.Sprintf("%s: %v", strings.TrimSpace(e.row+" "+e.name), err))
				continue
			}
			r.add(e, figures)
		}
	}
	return r, ctx.Err()
}

func (r results) add(e entry, figures map[string]float64) {
	if r.of[e.key()] == nil {
		r.of[e.key()] = map[string][]float64{}
	}
	for name, v := range figures {
		r.of[e.key()][name] = append(r.of[e.key()][name], v)
	}
}

// highest is an entry's best rate, 0 without one.
func (r results) highest(row, name, figure string) float64 {
	v := r.of[key(row, name)][figure]
	if len(v) == 0 {
		return 0
	}
	return slices.Max(v)
}

// lowest is an entry's least time, 0 without one.
func (r results) lowest(row, name, figure string) float64 {
	v := r.of[key(row, name)][figure]
	if len(v) == 0 {
		return 0
	}
	return slices.Min(v)
}

// median of an entry's figure, 0 without one.
func (r results) median(row, name, figure string) float64 {
	v := slices.Sorted(slices.Values(r.of[key(row, name)][figure]))
	if len(v) == 0 {
		return 0
	}
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}
