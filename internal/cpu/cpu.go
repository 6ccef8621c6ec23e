// Package cpu tells what processor this is, and which tier of instructions carat computes with on it.
//
// A tier is a set of instructions that kernels and codecs have machine code for. The fastest that the processor and
// this binary have is in use, unless CARAT_CPU names another. Generic Go is the specification of
// all, and what they are tested against. The environment is read once, when the program starts.
package cpu

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/carat-llm/carat/internal/suggest"
)

// Tier is a set of instructions. Of the tiers of one processor a higher one has all of those below it
// that the processor has.
type Tier int

// Generic is Go alone. Of amd64, AVX2 has FMA and F16C, too; AVXVNNI adds the dot products of AVX-512 VNNI in 256 bits;
// AVX512 is F, BW, VL, DQ and VNNI; AMX has tiles of int8 and BF16. Of arm64, NEON has dot products of bytes (ARMv8.2).
const (
	Generic Tier = iota
	AVX2
	AVXVNNI
	AVX512
	AMX
	NEON
)

var names = [...]string{Generic: "generic", AVX2: "avx2", AVXVNNI: "avxvnni", AVX512: "avx512", AMX: "amx", NEON: "neon"}

// String is the name that CARAT_CPU has for it.
func (t Tier) String() string { return names[t] }

// current is the tier in use. It is written when the program starts, and by Force.
var current, envErr = find(os.Getenv("CARAT_CPU"))

// Current is the tier in use.
func Current() Tier { return current }

// rungs are the tiers of this processor and binary.
var rungs = ladder()

// Ladder lists the tiers of this processor and binary, the lowest first: Generic, then what adds to it step by step.
func Ladder() []Tier { return slices.Clone(rungs) }

// Available is Ladder, the fastest first.
func Available() []Tier {
	tiers := Ladder()
	slices.Reverse(tiers)
	return tiers
}

func best() Tier { return rungs[len(rungs)-1] }

// find returns the tier called name; the empty name is the fastest. A name that is not available gives the fastest,
// too, and an error.
func find(name string) (Tier, error) {
	if name == "" {
		return best(), nil
	}
	var known []string
	for _, t := range Available() {
		if strings.EqualFold(t.String(), name) {
			return t, nil
		}
		known = append(known, t.String())
	}
	return best(), errors.New(suggest.OneOf("CARAT_CPU", name, known) + " (what this processor and program have)")
}

// CheckEnv returns an error when CARAT_CPU names a tier that is not available. The command line calls it once;
// without the call such a value means the fastest tier.
func CheckEnv() error { return envErr }

// Force puts a tier in use and returns a function that restores the former. It panics when the tier is not available,
// and must not run beside computation: it is for tests.
func Force(t Tier) (restore func()) {
	if !slices.Contains(rungs, t) {
		panic("cpu: tier " + t.String() + " is not available")
	}
	former := current
	current = t
	return func() { current = former }
}
