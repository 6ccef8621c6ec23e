package kernel

import (
	"errors"
	"os"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/suggest"
)

// tier is one implementation of the primitive operations. The comment of each field is the contract
// that all tiers keep; tile_generic.go is the reference.
type tier struct {
	name string
	// dot4 adds to dst[r] the product of w[r*stride:][:k] and x[:k], for 4 rows r; k%8 == 0.
	dot4 func(dst *[4]float32, w []float32, stride int, x []float32, k int)
	// dot4x3 adds to dst[c*dstStride+r] the product of w[r*stride:][:k] and x[c*xStride:][:k],
	// for 4 rows r and 3 columns c; k%8 == 0. The sums are those of three calls of dot4.
	dot4x3 func(dst []float32, dstStride int, w []float32, stride int, x []float32, xStride, k int)
	// weightedSum sets dst[i] to the sum over j of p[j]*v[j*stride+i], j ascending; len(dst)%8 == 0.
	weightedSum func(dst, p, v []float32, stride int)
	// decode holds the types that this tier decodes itself, to the same bits as the codec.
	decode map[gguf.Type]func(dst []float32, src []byte)
}

var generic = tier{name: "generic", dot4: dot4Generic, dot4x3: dot4x3Generic, weightedSum: weightedSumGeneric}

// tiers lists what this binary has and this processor can run, the fastest first.
var tiers = append(nativeTiers(), &generic)

var active, tierErr = choose(os.Getenv("CARAT_CPU"))

// choose finds the tier by name; the empty name is the fastest. Names that this processor lacks
// give the fastest too, and an error for CheckEnv.
func choose(name string) (*tier, error) {
	if name == "" {
		return tiers[0], nil
	}
	var names []string
	for _, t := range tiers {
		if strings.EqualFold(t.name, name) {
			return t, nil
		}
		names = append(names, t.name)
	}
	return tiers[0], errors.New(suggest.OneOf("CARAT_CPU", name, names) + " (what this processor and program have)")
}

// CheckEnv returns an error when CARAT_CPU names a tier that is not available. The commands call it
// once; without the call such a value means the fastest tier.
func CheckEnv() error { return tierErr }

// Tier is the name of the tier in use.
func Tier() string { return active.name }

// Tiers lists the names of the available tiers, the fastest first.
func Tiers() []string {
	names := make([]string, len(tiers))
	for i, t := range tiers {
		names[i] = t.name
	}
	return names
}

// Force makes the named tier the one in use and returns a function that restores the former; ok is
// false, and nothing changes, when it is not available. It must not run beside computation: for tests.
func Force(name string) (restore func(), ok bool) {
	t, err := choose(name)
	if err != nil || name == "" {
		return func() {}, false
	}
	former := active
	active = t
	return func() { active = former }, true
}
