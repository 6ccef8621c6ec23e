package neon

import (
	"fmt"
	"go/format"
	"math"
	"strings"
)

// File is a file of assembly, or of Go, of package kernel.
type File struct{ Name, Text string }

// Files returns what is written for arm64.
func Files() []File {
	var out []File
	for _, f := range []struct {
		name  string
		write func(*asm)
	}{
		{"unpack", unpacking}, {"round", rounding}, {"tiles", tiles}, {"singles", writeSingles}, {"floats", floats}, {"vectors", vectors},
	} {
		a := &asm{}
		f.write(a)
		text, stubs := a.files()
		if f.name == "vectors" {
			text += expTable()
		}
		name := "gen_" + f.name + "_neon_arm64"
		out = append(out, File{name + ".s", text}, File{name + ".go", stubs})
	}
	text, err := format.Source([]byte(header + "package kernel\n\n" + tables()))
	if err != nil {
		panic(err)
	}
	return append(out, File{"gen_tables_arm64.go", string(text)})
}

// expTable is the constants that exponential loads.
func expTable() string {
	var b strings.Builder
	b.WriteByte('\n')
	for i, f := range expConstants {
		fmt.Fprintf(&b, "DATA expConstants<>+%d(SB)/4, $%#08x\n", 4*i, math.Float32bits(f))
	}
	fmt.Fprintf(&b, "GLOBL expConstants<>(SB), RODATA|NOPTR, $%d\n", 4*constants)
	return b.String()
}

// tables lists the kernels.
func tables() string {
	var b strings.Builder
	kernels := func(kind string, forms []form, widths []int, exact bool) {
		most := widths[len(widths)-1]
		fmt.Fprintf(&b, "// %sNEON are the kernels by form and number of columns.\nvar %[1]sNEON = [%d][%d]func(a *byte){\n", kind, len(forms), most+1)
		for i, f := range forms {
			fmt.Fprintf(&b, "\t%d: {", i)
			for j, w := range widths {
				if j > 0 {
					b.WriteString(", ")
				}
				fmt.Fprintf(&b, "%d: %s", w, (&tile{form: f, width: w, exact: exact}).name())
			}
			b.WriteString("},\n")
		}
		b.WriteString("}\n\n")
	}
	kernels("narrow", narrowForms, narrowWidths, true)
	kernels("bytes", bytesForms, bytesWidths, false)
	b.WriteString("// singlesNEON are the kernels of one column by form.\nvar singlesNEON = map[singleForm]func(a *byte){\n")
	for _, s := range singles {
		for _, s.exact = range []bool{true, false} {
			fmt.Fprintf(&b, "\t{bits: %d, table: %t, bf16: %t, sub: %d, scaled: %t, minima: %t, fast: %t}: %s,\n",
				s.bits, s.table, s.bf16, 32/s.subs, s.scaled, s.minima > 0, !s.exact, s.name())
		}
	}
	fmt.Fprintf(&b, "}\n\n// floatsNEON are the kernels of weights that are floats, by type and number of columns.\nvar floatsNEON = [3][%d]func(a *byte){\n", floatWidth+1)
	for i, t := range floatTypes {
		fmt.Fprintf(&b, "\t%d: {", i)
		for w := 1; w <= floatWidth; w++ {
			if w > 1 {
				b.WriteString(", ")
			}
			fmt.Fprintf(&b, "%d: floats%s%dNEON", w, t.name, w)
		}
		b.WriteString("},\n")
	}
	b.WriteString("}\n")
	return b.String()
}
