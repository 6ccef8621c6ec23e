// Command clidoc prints docs/cli.md: what `carat --help` and `carat VERB --help` say, on one page.
//
//	go run ./scripts/clidoc > docs/cli.md
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	if err := write(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "clidoc:", err)
		os.Exit(1)
	}
}

// verb is what of help's JSON is used.
type verb struct{ Name, Category, Usage, Arguments string }

func write(w io.Writer) error {
	dir, err := os.MkdirTemp("", "clidoc")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	carat := filepath.Join(dir, "carat")
	if out, err := exec.Command("go", "build", "-o", carat, "./cmd/carat").CombinedOutput(); err != nil {
		return fmt.Errorf("building carat: %w\n%s", err, out)
	}
	help := func(args ...string) (string, error) {
		out, err := exec.Command(carat, append([]string{"help"}, args...)...).Output()
		return string(out), err
	}
	listed, err := help("--json")
	if err != nil {
		return err
	}
	var app struct{ Verbs []verb }
	if err := json.Unmarshal([]byte(listed), &app); err != nil {
		return err
	}
	about, err := help()
	if err != nil {
		return err
	}
	_, about, _ = strings.Cut(about, "MODEL is a checkpoint folder")
	fmt.Fprint(w, "# The command line\n\nThis page is what `carat --help` and `carat VERB --help` print. It is written by `go run ./scripts/clidoc > docs/cli.md`.\n")
	category := ""
	for _, v := range app.Verbs {
		if v.Category != category {
			category = v.Category
			fmt.Fprintf(w, "\n| %s | |\n|---|---|\n", strings.ToLower(category))
		}
		fmt.Fprintf(w, "| [`%s`](#carat-%s) | %s |\n", v.Name, v.Name, strings.ReplaceAll(v.Usage, "|", `\|`))
	}
	fmt.Fprintf(w, "\n## All verbs\n\n```text\nMODEL is a checkpoint folder%s```\n", about)
	for _, v := range app.Verbs {
		text, err := help(v.Name)
		if err != nil {
			return err
		}
		_, text, _ = strings.Cut(text, "\n\n") // the first line is the heading
		fmt.Fprintf(w, "\n## carat %s\n\n%s.\n\n```text\n%s```\n", v.Name, capital(v.Usage), text)
	}
	config, err := help("config")
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "\n## carat help config\n\n```text\n%s```\n", config)
	return nil
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
