package main

import (
	"cmp"

	"github.com/urfave/cli/v2"
)

// Headings of --help, in the words of what a user wants to decide.
const (
	sourceGroup    = "CHECKPOINT FOLDER"
	typesGroup     = "TYPES"
	budgetGroup    = "TYPES UNDER A BUDGET"
	roundingGroup  = "ROUNDING"
	imatrixGroup   = "IMPORTANCE MATRIX"
	tensorsGroup   = "TENSORS AND METADATA"
	outputGroup    = "OUTPUT"
	splitGroup     = "SPLIT"
	textGroup      = "TEXT"
	measureGroup   = "MEASURE"
	computeGroup   = "COMPUTATION"
	referenceGroup = "REFERENCE"
	compareGroup   = "COMPARE"
	chatGroup      = "CONVERSATION"
	samplingGroup  = "SAMPLING"
	vectorGroup    = "VECTORS"
	serverGroup    = "SERVER"
	adapterGroup   = "ADAPTER"
	gateGroup      = "GATE"
	pagesGroup     = "PAGES"
	ciGroup        = "CI"
	globalGroup    = "GLOBAL"
)

// group puts flags that have no heading yet under one.
func group(name string, flags ...cli.Flag) []cli.Flag {
	for _, f := range flags {
		switch f := f.(type) {
		case *cli.StringFlag:
			f.Category = cmp.Or(f.Category, name)
		case *cli.StringSliceFlag:
			f.Category = cmp.Or(f.Category, name)
		case *cli.BoolFlag:
			f.Category = cmp.Or(f.Category, name)
		case *cli.IntFlag:
			f.Category = cmp.Or(f.Category, name)
		case *cli.Uint64Flag:
			f.Category = cmp.Or(f.Category, name)
		case *cli.Float64Flag:
			f.Category = cmp.Or(f.Category, name)
		}
	}
	return flags
}
