// Command compare_peers measures carat beside llama.cpp and ik_llama.cpp and writes the tables of docs/benchmarks.md.
//
//	go run ./scripts/compare_peers --llama LLAMA/build/bin --ik IK/build/bin --write docs/benchmarks.md
//	go run ./scripts/compare_peers --llama LLAMA/build/bin --only speed --types Q4_K_M --quick
//
// Programs are measured in turns (A, B, C, A, B, C), because machines drift; the best of the rounds is what the tables
// compare, with the median beside it. Nothing else may run: the peers' threads wait for each other by spinning, and with
// a busy neighbour their decoding falls to a tenth, which would flatter carat. Models are made by scripts/synth and carat when they are missing, and stay in --models.
//
// Each table is a section of the document between two comments, so that a run of some (--only) leaves the others as
// they are. Everything must run from the repository's root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "compare_peers:", err)
		}
		os.Exit(1)
	}
}

// section is one table, or several that belong together.
type section struct {
	name    string
	measure func(context.Context, *setup) (string, error)
}

// sections in the order of their weight, since the last ones suffer when time runs out.
var sections = []section{
	{"speed", speed}, {"7b", large}, {"perplexity", perplexity}, {"quantize", quantization},
	{"batch", batches}, {"depth", depth}, {"load", load}, {"convert", conversion},
}

// setup is what all measurements share.
type setup struct {
	runner
	machine   string // and the programs, in a line
	modes     []mode
	peers     []peer
	models    models
	threads   int
	rounds    int
	until     time.Time // when no further rounds begin
	quick     bool
	types     []string // of speed and quantize
	quantized []string // of quantize, beside those
	text      string
	folder    string // of SmolLM2's checkpoint
}

func run(ctx context.Context, args []string) error {
	var names []string
	for _, s := range sections {
		names = append(names, s.name)
	}
	flags := flag.NewFlagSet("compare_peers", flag.ContinueOnError)
	llama := flags.String("llama", "", "folder of llama.cpp's llama-bench, llama-quantize, llama-perplexity, llama-completion")
	plain := flags.String("llama-plain", "", "folder of a llama.cpp without AMX, as another column")
	ik := flags.String("ik", "", "folder of ik_llama.cpp's programs")
	repack := flags.Bool("ik-repack", true, "also measure ik_llama.cpp with -rtr 1 (repacked while loading)")
	carat := flags.String("carat", "", "carat's program; built from this tree when not given")
	dir := flags.String("models", filepath.Join(os.TempDir(), "carat-models"), "folder where models are made and stay")
	text := flags.String("text", "", "WikiText-2's test text, for perplexity")
	checkpoint := flags.String("checkpoint", "", "folder of SmolLM2-135M, for perplexity and convert (scripts/smollm2.sh makes it)")
	only := flags.String("only", strings.Join(names, ","), "sections to measure")
	types := flags.String("types", "", "file types of speed and quantize, such as Q8_0,Q4_K_M; \"all\" for every one")
	threads := flags.Int("threads", 2, "threads of every program")
	rounds := flags.Int("rounds", 3, "rounds, at most")
	budget := flags.Duration("budget", 25*time.Minute, "no second round of anything begins when each section's share of this is over")
	under := flags.String("under", "", "command that all programs are run by, such as \"taskset -c 0,1\"")
	limit := flags.Duration("limit", 5*time.Minute, "time that one command may take")
	quick := flags.Bool("quick", false, "one round of few types and sizes, in some minutes")
	write := flags.String("write", "", "document whose sections are replaced, such as docs/benchmarks.md")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s := &setup{runner: runner{limit: *limit, log: os.Stderr, under: strings.Fields(*under), used: new(float64)}, threads: *threads, rounds: *rounds, quick: *quick, text: *text, folder: *checkpoint}
	if s.quick {
		s.rounds = 1
	}
	if err := s.build(ctx, *carat, *dir); err != nil {
		return err
	}
	s.types = typesOf(*types, s.quick)
	if *types == "" && !s.quick {
		s.quantized = []string{"Q5_0", "Q4_1", "IQ3_S", "IQ2_XS"}
	}
	for _, p := range []peer{{name: "llama.cpp", dir: *llama, role: mainline}, {name: "llama.cpp, no AMX", dir: *plain}, {name: "ik_llama.cpp", dir: *ik, ik: true}, {name: "ik_llama.cpp, -rtr", dir: *ik, ik: true, extra: []string{"-rtr", "1"}}} {
		if p.dir != "" && (p.extra == nil || *repack) {
			s.peers = append(s.peers, p)
		}
	}
	s.machine = s.describe(ctx)
	wanted := strings.Split(*only, ",")
	for _, name := range wanted {
		if !slices.Contains(names, name) {
			return fmt.Errorf("unknown section %q: there are %s", name, strings.Join(names, ", "))
		}
	}
	for i, name := range wanted {
		share := *budget / 2 // of the first section, the largest; the others have the same of what is left
		if i > 0 {
			share /= time.Duration(len(wanted) - 1)
		}
		s.until = time.Now().Add(share)
		sec := sections[slices.Index(names, name)]
		others := watch(*s.used)
		out, err := sec.measure(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		out += fmt.Sprintf("\n%s; %s.\n", s.machine, others.say(*s.used, runtime.NumCPU()))
		fmt.Printf("%s\n", out)
		if *write != "" {
			if err := replaceSection(*write, name, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// build compiles carat, unless there is one, and scripts/synth, and finds out which modes carat has.
func (s *setup) build(ctx context.Context, carat, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	s.models = models{runner: s.runner, dir: dir, carat: carat, synth: filepath.Join(dir, "synth"), threads: s.threads, text: s.text}
	if carat == "" {
		s.models.carat = filepath.Join(dir, "carat")
		if err := goBuild(ctx, s.models.carat, "./cmd/carat"); err != nil {
			return err
		}
	}
	if err := goBuild(ctx, s.models.synth, "./scripts/synth"); err != nil {
		return err
	}
	s.modes, err = modesOf(ctx, s.runner, s.models.carat)
	return err
}

func goBuild(ctx context.Context, out, pkg string) error {
	c := exec.CommandContext(ctx, "go", "build", "-o", out, pkg)
	c.Stderr = os.Stderr
	return c.Run()
}
