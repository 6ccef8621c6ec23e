package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/internal/hint"
	"github.com/urfave/cli/v2"
)

// budgetFlags choose types by what a file may cost.
func budgetFlags() []cli.Flag {
	return group(typesGroup,
		&cli.StringFlag{Name: "target-size", Usage: "`SIZE` choose the types that keep the model closest to the original in a file of at most SIZE, such as 105M or 4.5G; needs --calibration"},
		&cli.Float64Flag{Name: "target-bpw", Usage: "`BITS` the same, with at most so many bits per weight"},
		&cli.StringFlag{Name: "measurements", Usage: "`FILE.json` read what was measured for a budget before, or write it: another budget then takes no measuring"})
}

// budget is what budgetFlags say; zero says nothing.
type budget struct {
	bytes        int64
	bits         float64
	measurements string // the file
}

func (b budget) set() bool { return b.bytes > 0 || b.bits > 0 }

func budgetOf(c *cli.Context) (b budget, err error) {
	if v := c.String("target-size"); v != "" {
		if b.bytes, err = parseTargetSize(v); err != nil {
			return b, usagef("--target-size: %w", err)
		}
	}
	b.bits, b.measurements = c.Float64("target-bpw"), c.String("measurements")
	switch {
	case c.IsSet("target-bpw") && !(b.bits > 0 && b.bits < 17):
		return b, outOfRange("--target-bpw", 1, 16, b.bits)
	case !b.set() && b.measurements != "":
		return b, usagef("--measurements has no effect without --target-size or --target-bpw")
	case b.bytes > 0 && b.bits > 0:
		return b, usagef("--target-size cannot be combined with --target-bpw")
	case b.set() && (c.String("type") != "" || c.String("recipe") != ""):
		return b, usagef("--target-size and --target-bpw choose the types: omit --type and --recipe")
	case b.set() && c.String("calibration") == "":
		return b, hint.Wrap(usagef("--target-size and --target-bpw need --calibration: types are chosen by what the model makes of a text"),
			"any text that resembles what the model will read will do; some hundred kB are enough")
	}
	return b, nil
}

// parseTargetSize reads 105000000, 105M, 105MB or 4.5G.
func parseTargetSize(s string) (int64, error) {
	digits := strings.TrimSuffix(strings.ToUpper(s), "B")
	unit := 1.0
	if n := len(digits); n > 0 {
		if u := map[byte]float64{'K': 1e3, 'M': 1e6, 'G': 1e9}[digits[n-1]]; u > 0 {
			digits, unit = digits[:n-1], u
		}
	}
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || !(v*unit >= 1 && v*unit < math.MaxInt64/2) {
		return 0, fmt.Errorf("expected a size such as 105M or 4.5G, in decimal units (got %q)", s)
	}
	return int64(v * unit), nil
}
