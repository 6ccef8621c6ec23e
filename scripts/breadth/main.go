// Command breadth prints which of the golden checkpoints carat converts, evaluates, verifies and runs, and fails when one of
// them is not as it should be.
//
//	go run ./scripts/breadth --golden DIR            # all folders of DIR/golden/arch: less than a minute on 2 cores
//	go run ./scripts/breadth --golden DIR -o t.md    # also to a file
//
// The columns convert and logits are what the tests TestGoldenArch and TestGoldenLogits say of a folder: they are run here,
// and not repeated. For the others each folder is converted by carat itself; `carat verify` must call the file sound and
// `carat run` must generate from it (`carat embed`, where the model is an encoder). Both must refuse the checkpoints that are
// no models to run, with the same reason. Rows below the table are the golden tokenizers and quantized checkpoints.
//
// What a test accepts with a reason is printed as an exception. The exit status is 1 when something is not as expected.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

var errNotGreen = errors.New("not all as expected")

func main() {
	golden := flag.String("golden", os.Getenv("CARAT_GOLDEN"), "folder with golden/ and tokenizers/")
	out := flag.String("o", "", "write the table to this file, too")
	flag.Parse()
	if err := run(*golden, *out); err != nil {
		fmt.Fprintln(os.Stderr, "breadth:", err)
		os.Exit(1)
	}
}

func run(golden, out string) error {
	golden, err := filepath.Abs(golden)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(golden, "golden", "arch", "*.expected.json"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s has no golden/arch/*.expected.json: give the folder with --golden", golden)
	}
	results, err := runTests(golden)
	if err != nil {
		return err
	}
	carat, err := buildCarat()
	if err != nil {
		return err
	}
	defer carat.remove()
	t := table{}
	for _, file := range files {
		dir := strings.TrimSuffix(file, ".expected.json")
		name := filepath.Base(dir)
		row := row{folder: name, convert: results["TestGoldenArch/"+name], logits: results["TestGoldenLogits/"+name]}
		if row.architecture, row.verify, row.run, err = carat.try(dir); err != nil {
			return err
		}
		t.rows = append(t.rows, row)
	}
	for _, s := range summaries {
		t.summaries = append(t.summaries, summary{s.what, results[s.test]})
	}
	w := io.Writer(os.Stdout)
	if out != "" {
		f, err := os.Create(out)
		if err != nil {
			return err
		}
		defer f.Close()
		w = io.MultiWriter(w, f)
	}
	if err := t.write(w); err != nil {
		return err
	}
	if !t.green() {
		return errNotGreen
	}
	return nil
}
