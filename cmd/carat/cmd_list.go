package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert/arch"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/suggest"
	"github.com/carat-llm/carat/quantize/clients"
	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/carat-llm/carat/runtime/model"
	"github.com/urfave/cli/v2"
)

// lists are what list can list.
var lists = []string{"types", "architectures"}

func listCommand() *cli.Command {
	return &cli.Command{
		Name:      "list",
		Usage:     "list the types and architectures that carat knows",
		ArgsUsage: "types|architectures",
		Description: `types: the file types of --type, with the tensor type that most weights get and the bits of one of its
weights; and the tensor types of --tensor-type, with the bytes of a block. What a file type costs is a mean KL divergence
that was measured, in nats, without and with an importance matrix: SmolLM2-135M on WikiText-2, as docs/benchmarks.md tells.
Larger models lose less; the order stays. Where there is no figure, nothing was measured. Clients are the programs of
docs/clients.md that read matrices of the type.

architectures: values of general.architecture, with the classes that convert reads (architectures in config.json) and
whether run, eval and the other verbs evaluate them.

EXAMPLES:
   carat list types
   carat list types --json
   carat list architectures`,
		Action: func(c *cli.Context) error {
			g, what, err := opening(c, "types or architectures")
			if err != nil {
				return err
			}
			switch {
			case !slices.Contains(lists, what):
				return usagef("%s", suggest.OneOf("list", what, lists))
			case what == "types" && g.json:
				return printJSON(g.out, typeLists())
			case what == "types":
				typeLists().print(g.out)
			case g.json:
				return printJSON(g.out, map[string]any{"architectures": listArchitectures()})
			default:
				printArchitectures(g.out, listArchitectures())
			}
			return nil
		},
	}
}

// typeList is the JSON of list types.
type typeList struct {
	FileTypes   []listedFileType `json:"file_types"`
	TensorTypes []listedType     `json:"tensor_types"`
}

type listedFileType struct {
	Name          string   `json:"name"`
	Tensors       string   `json:"most_tensors"`
	BitsPerWeight float64  `json:"bits_per_weight"` // of most tensors
	KLD           *float64 `json:"kld,omitempty"`   // nats, mean
	KLDImatrix    *float64 `json:"kld_imatrix,omitempty"`
	Clients       []string `json:"clients"`
}

type listedType struct {
	Name          string   `json:"name"`
	BitsPerWeight float64  `json:"bits_per_weight"`
	BlockSize     int      `json:"block_elements"`
	BlockBytes    int      `json:"block_bytes"`
	Clients       []string `json:"clients"`
}

func typeLists() *typeList {
	var l typeList
	seen := map[gguf.Type]bool{}
	for _, name := range recipe.Names() {
		ft, err := recipe.ParseFileType(name)
		if err != nil || ft == recipe.Copy {
			continue // COPY keeps every type
		}
		t := ft.Default()
		cost := costs[ft]
		l.FileTypes = append(l.FileTypes, listedFileType{name, t.String(), t.BitsPerWeight(), cost.alone, cost.imatrix, clients.Readers(t)})
		if !seen[t] {
			seen[t] = true
			l.TensorTypes = append(l.TensorTypes, listedType{t.String(), t.BitsPerWeight(), t.BlockSize(), t.BlockBytes(), clients.Readers(t)})
		}
	}
	for _, t := range []gguf.Type{gguf.NVFP4} { // is the whole of no file type
		l.TensorTypes = append(l.TensorTypes, listedType{t.String(), t.BitsPerWeight(), t.BlockSize(), t.BlockBytes(), clients.Readers(t)})
	}
	slices.SortStableFunc(l.TensorTypes, func(a, b listedType) int { return int(1000 * (b.BitsPerWeight - a.BitsPerWeight)) })
	return &l
}

func (l *typeList) print(out io.Writer) {
	t := newTable(out)
	t.row("file type", "most tensors", "bits", "    KLD", "KLD, imatrix", "clients")
	for _, f := range l.FileTypes {
		t.row(f.Name, f.Tensors, fmt.Sprintf("%6.3f", f.BitsPerWeight), nats(f.KLD), nats(f.KLDImatrix), readers(f.Clients))
	}
	t.flush()
	fmt.Fprintln(out)
	t = newTable(out)
	t.row("tensor type", "bits", "block", "bytes", "clients")
	for _, x := range l.TensorTypes {
		t.row(x.Name, fmt.Sprintf("%6.3f", x.BitsPerWeight), fmt.Sprintf("%5d", x.BlockSize), fmt.Sprintf("%5d", x.BlockBytes), readers(x.Clients))
	}
	t.flush()
	fmt.Fprintf(out, "\nbits: per weight. block: weights that are encoded together; bytes: of a block.\nKLD: %s.\n", measuredOn)
}

func nats(v *float64) string {
	if v == nil {
		return "      -"
	}
	return fmt.Sprintf("%.5f", *v)
}

// readers names the clients of a type in few words.
func readers(names []string) string {
	all := clients.Names()
	switch missing := slices.DeleteFunc(slices.Clone(all), func(n string) bool { return slices.Contains(names, n) }); {
	case len(missing) == 0:
		return "all"
	case len(missing) < len(names):
		return "all but " + strings.Join(missing, ", ")
	}
	return strings.Join(names, ", ")
}

// listedArchitecture is one of the JSON of list architectures.
type listedArchitecture struct {
	Name     string   `json:"name"`
	Classes  []string `json:"classes,omitempty"` // that convert reads
	Evaluate bool     `json:"evaluate"`
}

func listArchitectures() []listedArchitecture {
	classes := arch.ClassesByArchitecture()
	var out []listedArchitecture
	runs := model.Architectures()
	for _, name := range slices.Concat(runs, slices.Sorted(maps.Keys(classes))) {
		if !slices.ContainsFunc(out, func(a listedArchitecture) bool { return a.Name == name }) {
			out = append(out, listedArchitecture{name, classes[name], slices.Contains(runs, name)})
		}
	}
	slices.SortFunc(out, func(a, b listedArchitecture) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func printArchitectures(out io.Writer, list []listedArchitecture) {
	t := newTable(out)
	t.row("architecture", "evaluated", "classes that convert reads")
	for _, a := range list {
		evaluated := "no"
		if a.Evaluate {
			evaluated = "yes"
		}
		t.row(a.Name, evaluated, strings.Join(a.Classes, ", "))
	}
	t.flush()
}
