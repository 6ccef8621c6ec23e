package main

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
)

// slower reads the CSV of benchstat for two files: how many benchmarks were compared by their time, and which of them
// take longer by more than limit percent. benchstat prints "~" in the place of differences that are not significant.
func slower(table string, limit float64) (compared int, slow []string, err error) {
	var pkg string
	timed := false // within a table of times
	for line := range strings.Lines(table) {
		if name, ok := strings.CutPrefix(line, "pkg: "); ok {
			pkg = strings.TrimSpace(name)
			continue
		}
		r := csv.NewReader(strings.NewReader(line))
		row, err := r.Read()
		if err != nil || len(row) < 7 { // empty lines, and those about the machine
			timed = timed && err == nil
			continue
		}
		switch change := row[5]; {
		case row[0] == "":
			timed = row[1] == "sec/op"
		case !timed || row[0] == "geomean" || change == "": // "": one of the two does not have it
		case change == "~":
			compared++
		default:
			compared++
			percent, err := strconv.ParseFloat(strings.TrimSuffix(change, "%"), 64)
			if err != nil {
				return 0, nil, fmt.Errorf("benchstat printed %q for %s", change, row[0])
			}
			if percent > limit {
				slow = append(slow, fmt.Sprintf("%s %s: %s (%s)", pkg, row[0], change, row[6]))
			}
		}
	}
	return compared, slow, nil
}
