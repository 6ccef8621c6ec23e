package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/internal/atomicfile"
	"github.com/urfave/cli/v2"
)

// What the flags that name files do with them. "-" is standard input for texts, and standard output for what is written
// from front to back; other files are read or written at many places, or more than once.
var (
	textInputs  = []string{"text", "eval", "prompt", "check", "file"}
	fileInputs  = []string{"imatrix", "figures", "metadata", "recipe", "tensor-type-file", "policy", "source", "reference", "baseline", "calibration", "control", "logits", "shots", "data", "task", "lora", "base"}
	textOutputs = []string{"html", "markdown", "svg", "csv", "junit", "card", "sarif", "cyclonedx", "intoto", "benchmark", "mlflow", "save", "export-tensor-types", "manifest", "report"}
	fileOutputs = []string{"output", "reference-cache", "save-logits", "npy", "pareto"}
)

// dashPositionals are the verbs whose arguments may be "-".
var dashPositionals = []string{"report", "overlap"}

// folderVerbs are the verbs whose -o is a folder.
var folderVerbs = []string{"sweep", "pull", "export"}

// namedPath is a file that a flag, or an argument, names.
type namedPath struct{ flag, path string }

func (n namedPath) String() string { return strings.TrimSpace(n.flag + " " + n.path) }

// pathsOf lists the values of the flags of c that are among names.
func pathsOf(c *cli.Context, names []string) (out []namedPath) {
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		if !slices.Contains(names, name) || !c.IsSet(name) || name == "output" && c.Command.Name == "bench" {
			continue
		}
		values := []string{c.String(name)}
		if _, list := f.(*cli.StringSliceFlag); list {
			values = c.StringSlice(name)
		}
		for _, v := range values {
			switch name {
			case "text":
				_, v = namedFile(v)
			case "task":
				_, v, _ = strings.Cut(v, "=")
			case "lora":
				v, _ = scaled(v)
			}
			if v != "" {
				out = append(out, namedPath{flagName(name), v})
			}
		}
	}
	return out
}

// flagName is how messages write a flag.
func flagName(name string) string {
	switch name {
	case "output":
		return "-o"
	case "prompt":
		return "-p"
	}
	return dashed(name)
}

// checkFiles refuses, before any work, files that a command line cannot mean: "-" where there is no stream, two things
// for one stream, outputs that cannot be written, that are an input, or that are one file. It reports whether a file
// takes standard output.
func checkFiles(c *cli.Context) (stdout bool, err error) {
	verb := c.Command.Name
	outputs := slices.Concat(pathsOf(c, fileOutputs), pathsOf(c, textOutputs))
	inputs := slices.Concat(pathsOf(c, fileInputs), pathsOf(c, textInputs))
	var read, printed []string
	for _, a := range c.Args().Slice() {
		if a == "-" && !slices.Contains(dashPositionals, verb) {
			return false, usagef("%s cannot read a model from standard input: it is read at many places at once; give a file or a folder", verb)
		}
		if a == "-" {
			read = append(read, "-")
		}
	}
	for _, n := range inputs {
		text := slices.Contains(textInputs, strings.TrimLeft(n.flag, "-")) || n.flag == "-p"
		switch {
		case n.path != "-":
		case !text:
			return false, usagef("cannot read %s from standard input: the file may be read more than once; give a file name", n.flag)
		case verb == "gate":
			return false, usagef("cannot read %s from standard input: gate keeps verdicts with the files that they depend on; give a file name", n.flag)
		default:
			read = append(read, n.String())
		}
	}
	for _, n := range outputs {
		switch {
		case n.path != "-":
		case slices.Contains(folderVerbs, verb) && n.flag == "-o":
			return false, usagef("cannot write -o to standard output: it is a folder of files; give the name of a folder")
		case slices.Contains(fileOutputs, strings.TrimLeft(n.flag, "-")) || n.flag == "-o":
			return false, usagef("cannot write %s to standard output: the file is written at many places at once; give a file name", n.flag)
		case c.Bool("resume") && n.flag == "--report":
			return false, usagef("cannot resume from --report -: standard output keeps no report; give a file name")
		default:
			printed = append(printed, n.String())
		}
	}
	switch {
	case len(read) > 1:
		return false, usagef("standard input can be read once: %s", strings.Join(read, " and "))
	case len(printed) > 1:
		return false, usagef("standard output takes one thing: %s", strings.Join(printed, " and "))
	case len(printed) > 0 && c.Bool("json"):
		return false, usagef("%s and --json: standard output takes one thing", printed[0])
	}
	for _, a := range c.Args().Slice() {
		inputs = append(inputs, namedPath{"", a})
	}
	return len(printed) > 0, checkOutputs(c, outputs, inputs)
}

// checkOutputs is about files alone.
func checkOutputs(c *cli.Context, outputs, inputs []namedPath) error {
	seen := map[string]namedPath{}
	for _, n := range outputs {
		folder := n.flag == "-o" && slices.Contains(folderVerbs, c.Command.Name)
		if folder {
			if err := atomicfile.CheckFolder(n.path); err != nil {
				return fmt.Errorf("%s: %w", n.flag, err)
			}
		}
		if n.path == "-" || folder || c.Bool("dry-run") && (n.flag == "-o" || n.flag == "--manifest") {
			continue
		}
		target, err := atomicfile.Resolve(n.path)
		if err != nil {
			return fmt.Errorf("%s: %w", n.flag, err)
		}
		// A cache that is there may do without being written.
		if n.flag != "--reference-cache" || !exists(n.path) {
			if err := writable(n.flag, n.path); err != nil {
				return err
			}
		}
		if other, ok := seen[target]; ok {
			return usagef("%s and %s are one file: give each output a name of its own", other, n)
		}
		seen[target] = n
		for _, stream := range []io.Writer{c.App.Writer, c.App.ErrWriter} {
			if isStream(n.path, stream) {
				return usagef("%s is the file that %s is redirected to, and would replace it: give another name", n, fileOf(stream).Name())
			}
		}
		for _, in := range inputs {
			if err := notTheInput(in.path, n.path, n.flag); err != nil {
				return err
			}
		}
	}
	return nil
}

// isStream reports whether the file at path is the one that w writes to, as /dev/stdout is.
func isStream(path string, w io.Writer) bool {
	f := fileOf(w)
	if f == nil {
		return false
	}
	a, errA := f.Stat()
	b, errB := os.Stat(path)
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// writable refuses, before the work, a file that cannot be written after it.
func writable(flag, path string) error {
	if path == "" || path == "-" {
		return nil
	}
	if err := atomicfile.Check(path); err != nil {
		return fmt.Errorf("%s: %w", flag, err)
	}
	return nil
}

// notTheInput refuses a file to write that is the input, or one of the files that a checkpoint folder is read from.
func notTheInput(in, path, flag string) error {
	a, errA := os.Stat(in)
	b, errB := os.Stat(path)
	if errA != nil || errB != nil {
		return nil
	}
	if os.SameFile(a, b) {
		return usagef("%s %s is the input file: give another name", flag, path)
	}
	if !a.IsDir() || !convert.Reads(filepath.Base(path)) {
		return nil
	}
	if dir, err := os.Stat(filepath.Dir(path)); err == nil && os.SameFile(a, dir) {
		return usagef("%s %s is a file of the checkpoint that is read: give another name", flag, path)
	}
	return nil
}

// sameFile refuses an output that is the input: it would be replaced while being read.
func sameFile(in, out string) error { return notTheInput(in, out, "-o") }

// exists reports whether there is something at path.
func exists(path string) bool { _, err := os.Stat(path); return err == nil }
