// Command _gen writes the regular assembly of package codec: functions that do the same for every lane of a vector, once
// for each tier of package cpu. From the folder of the package:
//
//	go generate            # writes gen_*_amd64.s and their declarations
//	go -C _gen run . DIR   # writes them elsewhere
//
// The Go of the package is the specification of what is written here, and its tests compare the two.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
)

// files lists what is written: gen_NAME_amd64.s holds NAME's functions for each tier.
var files = []struct {
	name  string
	write func(*tier)
}{
	{"largest", largest},
	{"finite", finite},
	{"transpose", transpose},
	{"weights", weights},
	{"affine", affine},
	{"positive", positive},
	{"symmetric", symmetric},
	{"descent", descent},
	{"round", round},
	{"pack", pack},
	{"blocks", blocks},
	{"halves", halves},
	{"small", small},
	{"iq4", iq4},
	{"grid", grids},
	{"iq1", iq1},
	{"nvfp4", nvfp4},
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: go -C _gen run . DIR")
	}
	for _, f := range files {
		c := build.NewContext()
		c.ConstraintExpr("amd64,gc,!noasm,!purego")
		for _, t := range tiers(c) {
			f.write(t)
		}
		if err := save(c, filepath.Join(os.Args[1], "gen_"+f.name+"_amd64")); err != nil {
			log.Fatalf("%s: %v", f.name, err)
		}
	}
}

// save writes the assembly and the declarations of its functions.
func save(c *build.Context, path string) error {
	file, err := c.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return err
	}
	if err := checkRegisters(file); err != nil {
		return err
	}
	// The same header whatever the folder.
	cfg := printer.Config{Name: "_gen", Pkg: "codec"}
	if err := print(printer.NewGoAsm(cfg), file, path+".s"); err != nil {
		return err
	}
	return print(printer.NewStubs(cfg), file, path+".go")
}

var beyondAVX2 = regexp.MustCompile(`\bY(1[6-9]|[23]\d)\b`)

// checkRegisters refuses functions of AVX2 that need more registers than AVX2 has: avo gives them those of AVX-512.
func checkRegisters(file *ir.File) error {
	for _, f := range file.Functions() {
		if !strings.HasSuffix(f.Name, "AVX2") {
			continue
		}
		for _, i := range f.Instructions() {
			for _, o := range i.Operands {
				if beyondAVX2.MatchString(o.Asm()) {
					return fmt.Errorf("%s needs more than 16 registers at %s", f.Name, i.Opcode)
				}
			}
		}
	}
	return nil
}

func print(p printer.Printer, f *ir.File, path string) error {
	b, err := p.Print(f)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o644)
}
