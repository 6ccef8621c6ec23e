// Command quality measures files that carat optimised beside presets of the same bytes, and writes the tables of docs/quality.md.
//
//	go run ./scripts/quality --model NOISE1 --corpora DIR --write docs/quality.md
//	go run ./scripts/quality --model NOISE1 --corpora DIR --group bars --rows 'Q4_K_M'
//	go run ./scripts/quality --model NOISE1 --corpora DIR --list
//
// --model is a checkpoint folder; the tables are of SmolLM2-135M-Instruct off its grid (scripts/smollm2.sh). --corpora has
// wikitext-2-train-slice.txt and wikitext-2-raw-test.txt, tinystories-sample.txt, arc_easy.jsonl, arc_challenge.jsonl, and for
// tasks hellaswag_val_full.txt.bz2 and winogrande.jsonl.
//
// Each row is a preset with an importance matrix and carat's file of the same bytes, both calibrated by the same text, and both compared
// with the original over 20 chunks of each evaluation text in one run. A bar is held when the one-sided 95 % limit of the difference of
// their divergences, paired by token and clustered by chunk, is below it.
//
// Everything that was made stays in --work and is not made again: an interrupted run continues, and rows may be measured one at
// a time. After a change of carat another --work is needed. A row takes 5 to 15 minutes on two cores. Everything must run from the repository's root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "quality:", err)
		}
		os.Exit(1)
	}
}

// setup is what all rows share.
type setup struct {
	runner
	model, corpora string
	texts          texts
	chunks         int // of each evaluation text
	calibration    int // chunks of a calibration text
	items          int // of each task
	drawn          []drawn
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("quality", flag.ContinueOnError)
	s := &setup{}
	flags.StringVar(&s.model, "model", "", "checkpoint folder")
	flags.StringVar(&s.corpora, "corpora", "", "folder of texts and tasks")
	work := flags.String("work", filepath.Join(os.TempDir(), "carat-quality"), "folder where files are made and stay")
	carat := flags.String("carat", "", "carat's program; built from this tree when not given")
	group := flags.String("group", strings.Join(groups, ","), "groups of rows")
	rows := flags.String("rows", "", "regular expression of the rows to measure, such as 'Q4_K_M|IQ4_XS'; all of the groups when empty")
	list := flags.Bool("list", false, "list the rows and what is there of them, and do nothing")
	flags.IntVar(&s.chunks, "chunks", 20, "chunks of each evaluation text")
	flags.IntVar(&s.calibration, "calibration-chunks", 32, "chunks of a calibration text")
	flags.IntVar(&s.items, "items", 400, "items of each task")
	threads := flags.Int("threads", 2, "threads of carat")
	var families pairs
	flags.Var(&families, "family", "`NAME=DIR` checkpoint folder of another family, beside testdata/tiny-llama; may be repeated")
	write := flags.String("write", "", "document whose sections are replaced, such as docs/quality.md")
	picturePath := flags.String("picture", "", "SVG `FILE` that draws all rows, of tables of divergences")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if s.model == "" || s.corpora == "" {
		return errors.New("--model and --corpora are needed")
	}
	chosen, err := regexp.Compile(*rows)
	if err != nil {
		return fmt.Errorf("--rows: %w", err)
	}
	if err := os.MkdirAll(*work, 0o755); err != nil {
		return err
	}
	s.runner = runner{carat: *carat, work: *work, threads: *threads, log: os.Stderr}
	all := allRows(s.model, append(pairs{{"tiny-llama", "testdata/tiny-llama"}}, families...))
	for _, name := range strings.Split(*group, ",") {
		if !slices.Contains(groups, name) {
			return fmt.Errorf("unknown group %q: there are %s", name, strings.Join(groups, ", "))
		}
	}
	for _, name := range groups {
		if !slices.Contains(strings.Split(*group, ","), name) {
			continue
		}
		var of []row
		for _, r := range all {
			if r.group == name && chosen.MatchString(r.name()) {
				of = append(of, r)
			}
		}
		if *list {
			for _, r := range of {
				fmt.Printf("%-10s %-34s %s\n", name, r.name(), s.state(r))
			}
			continue
		}
		if len(of) == 0 {
			continue
		}
		if err := s.prepare(ctx); err != nil {
			return err
		}
		table, err := s.measure(ctx, name, of)
		if err != nil {
			return err
		}
		fmt.Println(table)
		if *write != "" {
			if err := replaceSection(*write, name, table); err != nil {
				return err
			}
		}
	}
	if *picturePath != "" && len(s.drawn) > 0 {
		return os.WriteFile(*picturePath, []byte(picture("At the same bytes: presets and carat's files", s.drawn)), 0o644)
	}
	return nil
}

// prepare builds carat and makes the texts, once.
func (s *setup) prepare(ctx context.Context) (err error) {
	if s.texts != nil {
		return nil
	}
	if err := s.same(); err != nil {
		return err
	}
	if err := s.build(ctx); err != nil {
		return err
	}
	s.texts, err = makeTexts(s.corpora, s.work)
	return err
}

// same refuses to go on with files that were made with other options.
func (s *setup) same() error {
	model, err := filepath.Abs(s.model)
	if err != nil {
		return err
	}
	now := fmt.Sprintf("--model %s --chunks %d --calibration-chunks %d --items %d\n", model, s.chunks, s.calibration, s.items)
	path := s.path("options.txt")
	was, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return os.WriteFile(path, []byte(now), 0o644)
	}
	if err == nil && string(was) != now {
		err = fmt.Errorf("%s has files of %s, not of %s: name another --work, or delete it", s.work, strings.TrimSpace(string(was)), strings.TrimSpace(now))
	}
	return err
}

// pairs are NAME=VALUE.
type pairs [][2]string

func (p *pairs) String() string { return fmt.Sprint(*p) }

func (p *pairs) Set(v string) error {
	name, value, ok := strings.Cut(v, "=")
	if !ok || name == "" || value == "" {
		return fmt.Errorf("expected NAME=VALUE (got %q)", v)
	}
	*p = append(*p, [2]string{name, value})
	return nil
}
