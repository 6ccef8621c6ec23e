// Command benchgate runs Go benchmarks of two commits in turns and fails when the later one is slower.
//
//	go run ./scripts/benchgate                                                  # HEAD against the commit before
//	go run ./scripts/benchgate --base main --bench 'Dot|MatMul' ./runtime/kernel
//	go run ./scripts/benchgate --base v1.0 --limit 5 --count 15 ./quantize/codec
//
// Both commits are checked out beside each other and their test binaries are built once; then each runs one time in
// turn, --count times, because machines drift. benchstat judges: exit status 1 means that a benchmark takes longer by
// more than --limit percent and that the difference is significant, 2 that nothing could be compared. What is not
// committed is not measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

// benchstat is what compares; run by its version, it is no dependency of carat.
const benchstat = "golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da"

// errSlower is the gate's answer.
var errSlower = errors.New("slower than it was")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout, os.Args[1:])
	stop()
	switch {
	case err == nil:
		return
	case !errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(os.Stderr, "benchgate:", err)
	}
	if errors.Is(err, errSlower) {
		os.Exit(1)
	}
	os.Exit(2)
}

func run(ctx context.Context, out io.Writer, args []string) error {
	flags := flag.NewFlagSet("benchgate", flag.ContinueOnError)
	base := flags.String("base", "HEAD~1", "commit to compare with")
	head := flags.String("head", "HEAD", "commit to judge")
	bench := flags.String("bench", ".", "benchmarks to run, as of go test -bench")
	benchtime := flags.String("benchtime", "100ms", "time of each benchmark in a run, as of go test")
	count := flags.Int("count", 10, "runs of each commit; fewer than 6 can show no significance")
	limit := flags.Float64("limit", 10, "percent that a benchmark may take longer")
	if err := flags.Parse(args); err != nil {
		return err
	}
	packages := flags.Args()
	if len(packages) == 0 {
		packages = []string{"./runtime/kernel", "./quantize/codec"}
	}
	dir, err := os.MkdirTemp("", "benchgate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	sides := []*side{{name: "base", commit: *base}, {name: "head", commit: *head}}
	for _, s := range sides {
		s.dir = filepath.Join(dir, s.name)
		defer s.remove()
		if err := s.checkOut(ctx); err != nil {
			return err
		}
		if err := s.build(ctx, dir, packages); err != nil {
			return err
		}
	}
	for i := range *count {
		fmt.Fprintf(os.Stderr, "benchgate: run %d of %d\n", i+1, *count)
		for _, s := range sides {
			if err := s.run(ctx, *bench, *benchtime); err != nil {
				return err
			}
		}
	}
	return judge(ctx, out, dir, sides, *limit)
}

// judge prints benchstat's table and reads its CSV.
func judge(ctx context.Context, out io.Writer, dir string, sides []*side, limit float64) error {
	var files []string
	for _, s := range sides {
		f := filepath.Join(dir, s.name+".txt")
		if err := os.WriteFile(f, []byte(s.results.String()), 0o600); err != nil {
			return err
		}
		files = append(files, s.name+"="+f)
	}
	stat := func(format string) (string, error) {
		c := exec.CommandContext(ctx, "go", append([]string{"run", benchstat, "-format", format}, files...)...)
		var said strings.Builder
		c.Stderr = &said // warnings, unless it fails
		b, err := c.Output()
		if err != nil {
			return "", fmt.Errorf("benchstat: %w: %s", err, said.String())
		}
		return string(b), nil
	}
	table, err := stat("text")
	if err != nil {
		return err
	}
	fmt.Fprint(out, table)
	csv, err := stat("csv")
	if err != nil {
		return err
	}
	compared, slow, err := slower(csv, limit)
	switch {
	case err != nil:
		return err
	case compared == 0:
		return errors.New("no benchmark is in both commits")
	case len(slow) > 0:
		return fmt.Errorf("%w, by more than %g %%:\n  %s", errSlower, limit, strings.Join(slow, "\n  "))
	}
	fmt.Fprintf(out, "\n%d benchmarks, none slower by more than %g %%\n", compared, limit)
	return nil
}
