package main

import (
	"slices"
	"strings"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/carat-llm/carat/runtime/engine"
	"github.com/carat-llm/carat/runtime/kernel"
	"github.com/carat-llm/carat/runtime/model"
	"github.com/urfave/cli/v2"
)

// computeFlags are shared by the verbs that run models: those that measure quality are exact unless they are told
// otherwise.
func computeFlags(usual kernel.Compute) []cli.Flag {
	return group(computeGroup,
		&cli.StringFlag{Name: "compute", Value: usual.String(), Usage: "`exact|fast` what the weights mean, the same bits with any number of threads; or as fast as the machine allows, with activations of 8 bits"},
		&cli.StringFlag{Name: "kv-type", Value: "f32", Usage: "`" + strings.Join(kvTypes(), "|") + "` type of the key-value cache"})
}

// kvTypes are the values of --kv-type.
func kvTypes() []string {
	var names []string
	for _, t := range model.KVTypes {
		names = append(names, strings.ToLower(t.String()))
	}
	return names
}

// computing is the values of computeFlags.
type computing struct {
	compute kernel.Compute
	kv      gguf.Type
}

// computingOf reads the flags of a verb that has them; bench takes lists of computations instead, which benchConfigs reads.
func computingOf(c *cli.Context) (computing, error) {
	if c.Command.Name == benchVerb {
		return computing{}, nil
	}
	return newComputing(c.String("compute"), c.String("kv-type"))
}

// newComputing reads one value of each of computeFlags; "" stands for exact, and for F32.
func newComputing(compute, kv string) (x computing, err error) {
	if v := compute; v != "" && x.compute.UnmarshalText([]byte(v)) != nil {
		return x, usagef("%s", suggest.OneOf("--compute", v, []string{kernel.Exact.String(), kernel.Fast.String()}))
	}
	if v := kv; v != "" {
		i := slices.Index(kvTypes(), strings.ToLower(v))
		if i < 0 {
			return x, usagef("%s", suggest.OneOf("--kv-type", v, kvTypes()))
		}
		x.kv = model.KVTypes[i]
	}
	return x, nil
}

// options are opts for that computation.
func (x computing) options(opts engine.Options) engine.Options {
	opts.Compute, opts.KVType = x.compute, x.kv
	return opts
}

// record is what reports say.
func (x computing) record() report.Computation {
	return report.Computation{Compute: x.compute.String(), KVType: x.kv.String()}
}
