package main

import (
	"fmt"
	"os"
	"strings"
)

// replaceSection puts text in the place of a section of the document at path, between its two comments; a document
// without it gets it at its end.
func replaceSection(path, name, text string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	out, err := replaced(string(b), name, text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return os.WriteFile(path, []byte(out), 0o644)
}

func replaced(document, name, text string) (string, error) {
	begin := fmt.Sprintf("<!-- compare_peers %s: written by scripts/compare_peers -->\n", name)
	end := fmt.Sprintf("<!-- compare_peers %s: end -->\n", name)
	section := begin + text + end
	before, rest, ok := strings.Cut(document, begin)
	if !ok {
		return strings.TrimRight(document, "\n") + "\n\n" + section, nil
	}
	_, after, ok := strings.Cut(rest, end)
	if !ok {
		return "", fmt.Errorf("section %s has no end: %q is missing", name, strings.TrimSpace(end))
	}
	return before + section + after, nil
}
