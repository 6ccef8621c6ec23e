package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// texts are files by name: wikitext and stories to evaluate on, arc and code, and wikitext's and stories' other parts to calibrate by.
type texts map[string]string

// evaluation lists the names of the texts that files are measured on, in the tables' order.
var evaluation = []string{"wikitext", "stories", "arc", "code"}

// calibrating is the text of a name to calibrate by.
func (t texts) calibrating(name string) string {
	if name == "default" {
		return name
	}
	return t["calibrate "+name]
}

// makeTexts finds the texts in corpora, and makes the others in work. Calibration never sees what is evaluated.
func makeTexts(corpora, work string) (texts, error) {
	t := texts{"wikitext": filepath.Join(corpora, "wikitext-2-raw-test.txt"), "calibrate wikitext": filepath.Join(corpora, "wikitext-2-train-slice.txt")}
	for _, path := range t {
		if _, err := os.Stat(path); err != nil {
			return nil, err
		}
	}
	b, err := os.ReadFile(filepath.Join(corpora, "tinystories-sample.txt"))
	if err != nil {
		return nil, err
	}
	// The last half is what calibrates the models that were trained on stories; wikitext's rows read the first.
	half := len(b) / 2
	half += strings.Index(string(b[half:]), "\n\n") + 2
	arc, err := questions(filepath.Join(corpora, "arc_easy.jsonl"), filepath.Join(corpora, "arc_challenge.jsonl"))
	if err != nil {
		return nil, err
	}
	code, err := sources(".", 600_000)
	if err != nil {
		return nil, err
	}
	for name, text := range map[string]string{"stories": string(b[:half]), "calibrate stories": string(b[half:]), "arc": arc, "code": code} {
		t[name] = filepath.Join(work, strings.ReplaceAll(name, " ", "-")+".txt")
		if err := os.WriteFile(t[name], []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// questions are those of ARC, with their right answers, as a text.
func questions(files ...string) (string, error) {
	var b strings.Builder
	for _, path := range files {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var q struct {
				Query   string   `json:"query"`
				Choices []string `json:"choices"`
				Gold    int      `json:"gold"`
			}
			if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
				return "", fmt.Errorf("%s: %w", path, err)
			}
			if q.Gold < 0 || q.Gold >= len(q.Choices) {
				return "", fmt.Errorf("%s: the right answer is number %d of %d", path, q.Gold, len(q.Choices))
			}
			fmt.Fprintf(&b, "%s\nAnswer: %s\n\n", q.Query, q.Choices[q.Gold])
		}
		if err := lines.Err(); err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
	}
	return b.String(), nil
}

// sources are the first Go files below dir, in the order of their paths, up to so many bytes.
func sources(dir string, bytes int) (string, error) {
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != dir && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		case b.Len() >= bytes:
			return filepath.SkipAll
		}
		text, err := os.ReadFile(path)
		if err == nil {
			b.Write(append(text, '\n'))
		}
		return err
	})
	return b.String(), err
}
