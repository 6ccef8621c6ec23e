package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/carat-llm/carat/quantize/recipe"
	"github.com/urfave/cli/v2"
)

// What people type who know llama.cpp's programs, ollama or Hugging Face's, and what it is called here. A wrong
// command line is answered with the right one, in the user's own names, wherever these tables know it.

// verbHabits are other programs' verbs, folded to lower case and "-".
var verbHabits = map[string]string{
	"chat": "run", "generate": "run", "prompt": "run", "complete": "run", "cli": "run", "main": "run", "infer": "run", "simple": "run",
	"perplexity": "eval", "ppl": "eval", "kld": "eval", "kl-divergence": "eval", "evaluate": "eval", "measure": "eval",
	"info": "inspect", "show": "inspect", "dump": "inspect", "metadata": "inspect", "gguf-dump": "inspect", "list-tensors": "inspect", "view": "inspect", "describe": "inspect",
	"quantise": "quantize", "quant": "quantize", "q": "quantize", "requantize": "quantize", "compress": "quantize",
	"convert-hf-to-gguf": "convert", "convert-hf-to-gguf.py": "convert", "hf-to-gguf": "convert", "import": "convert",
	"benchmark": "bench", "speed": "bench", "batched-bench": "bench", "time": "bench",
	"check": "verify", "validate": "verify", "lint": "verify", "test": "verify",
	"cmp": "diff", "sha256": "hash", "sha256sum": "hash", "gguf-hash": "hash", "checksum": "hash",
	"gguf-split": "split", "join": "merge", "concat": "merge",
	"gguf-set-metadata": "edit", "gguf-new-metadata": "edit", "set": "edit", "set-metadata": "edit",
	"create": "build", "make": "build", "importance-matrix": "imatrix",
	"download": "pull", "fetch": "pull", "clone": "pull", "snapshot-download": "pull",
	"dry-run": "plan", "hellaswag": "tasks", "lm-eval": "tasks", "task": "tasks", "completions": "completion",
}

// notYet are verbs that people will look for and carat does not have.
var notYet = map[string]string{
	"serve":    "carat does not serve models; llama-server reads the files it writes",
	"server":   "carat does not serve models; llama-server reads the files it writes",
	"train":    "carat does not train models",
	"finetune": "carat does not train models",
}

// flagHabits are other programs' flags. "" stands for a positional argument: the flag is left out, its value stays.
// Of several names the first that the verb has is meant.
var flagHabits = map[string][]string{
	"m": {""}, "model": {""}, "in": {""}, "input": {""}, "i": {""},
	"f": {"text", "data", "eval"}, "file": {"text", "data", "eval"}, "dataset": {"text", "data", "eval"},
	"local-dir": {"o"}, "outfile": {"o"}, "out": {"o"}, "out-file": {"o"}, "output-file": {"o"},
	"c": {"ctx"}, "ctx-size": {"ctx"}, "n-ctx": {"ctx"}, "j": {"threads"}, "nthreads": {"threads"}, "t": {"threads"},
	"n-predict": {"n"}, "predict": {"n"}, "max-new-tokens": {"n"}, "n-gen": {"n"}, "n-prompt": {"p"}, "temperature": {"temp"}, "s": {"seed"},
	"kl-divergence-base": {"logits"}, "ppl-stride": {"stride"}, "show-statistics": {"stats"}, "save-frequency": {"save-every"},
	"ftype": {"type", "outtype"}, "quant": {"type"}, "quantization": {"type"}, "q": {"type"}, "qtype": {"type"}, "dtype": {"outtype"},
	"base": {"reference"}, "ref": {"reference"}, "repetitions": {"r"}, "n-depth": {"d"},
}

// rightForm is the command line of verb that was likely meant by args, the arguments behind the verb as the user gave
// them, of this verb or of otherVerb; "" when that is not clear.
func rightForm(verb *cli.Command, args []string, otherVerb bool) string {
	f := form{verb: verb, given: map[string]bool{}, changed: otherVerb}
	if !f.read(args) || !f.place() {
		return ""
	}
	line := slices.Concat([]string{"carat", verb.Name}, f.positional, f.added, f.flags)
	if len(f.added) == 0 && !f.changed {
		return ""
	}
	for i, a := range line {
		line[i] = quoted(a)
	}
	return strings.Join(line, " ")
}

// form is a command line on its way to its right form.
type form struct {
	verb              *cli.Command
	positional, flags []string
	added             []string // flags for what stood as a positional argument
	given             map[string]bool
	changed           bool
}

// read sorts args into flags, in which habits are replaced, and positional arguments.
func (f *form) read(args []string) bool {
	for i := 0; i < len(args); i++ {
		name, value, hasValue := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		if len(args[i]) < 2 || args[i][0] != '-' {
			f.positional = append(f.positional, args[i])
			continue
		}
		known := findFlag(f.verb, name)
		if known == nil {
			names, ok := flagHabits[name]
			if !ok {
				return false
			}
			f.changed = true
			if names[0] == "" {
				if hasValue {
					f.positional = append(f.positional, value)
				}
				continue
			}
			for _, n := range names {
				if known = findFlag(f.verb, n); known != nil {
					name = n
					break
				}
			}
			if known == nil {
				return false
			}
		}
		f.given[known.Names()[0]] = true
		f.flags = append(f.flags, dashed(name))
		switch {
		case hasValue && takesValue(known):
			f.flags = append(f.flags, value)
		case hasValue:
			f.flags[len(f.flags)-1] += "=" + value
		case takesValue(known) && i+1 < len(args):
			i++
			f.flags = append(f.flags, args[i])
		}
	}
	return true
}

// place gives positional arguments beyond the first the flags that they stand for.
func (f *form) place() bool {
	if len(f.positional) < 2 {
		return len(f.positional) == 1 || f.changed
	}
	rest := f.positional[1:]
	switch f.verb.Name {
	case "quantize", "build", "plan":
		return f.placeTyped(rest)
	case "convert", "split", "merge", "edit":
		return f.add("output", rest...)
	case "eval", "imatrix":
		return f.add("text", rest...)
	case "run":
		return f.add("prompt", strings.Join(rest, " "))
	case "sweep":
		for _, p := range rest {
			if _, err := recipe.ParseFileType(p); err != nil {
				return false
			}
		}
		return f.add("types", strings.Join(rest, ","))
	case "verify":
		return f.add("source", rest...)
	}
	return false
}

// placeTyped reads IN [OUT] TYPE [THREADS], as llama-quantize takes them.
func (f *form) placeTyped(rest []string) bool {
	var out string
	for _, p := range rest {
		_, errType := recipe.ParseFileType(p)
		_, errNumber := strconv.Atoi(p)
		switch {
		case errType == nil && !f.given["type"]:
			if !f.add("type", p) {
				return false
			}
			if out == "" && findFlag(f.verb, "output") != nil && len(rest) == 1 {
				out = strings.TrimSuffix(f.positional[0], ".gguf") + "-" + p + ".gguf"
			}
		case errNumber == nil && !f.given["threads"]:
			if !f.add("threads", p) {
				return false
			}
		case out == "":
			out = p
		default:
			return false
		}
	}
	return out == "" || f.given["output"] && len(rest) == 1 || f.add("output", out)
}

// add moves one positional argument to a flag.
func (f *form) add(flag string, values ...string) bool {
	known := findFlag(f.verb, flag)
	if known == nil || f.given[flag] || len(values) != 1 {
		return false
	}
	f.positional, f.given[flag] = f.positional[:1], true
	name := dashed(flag)
	if flag == "output" || flag == "prompt" {
		name = "-" + flag[:1] // as everybody writes them
	}
	f.added = append(f.added, name, values[0])
	return true
}

// quoted is s as a shell takes it.
func quoted(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_@%+=:,./-\\", r) || r > 127
	}
	if s != "" && strings.TrimFunc(s, safe) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
