package neon

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// TestWords assembles the comments of all lines that are written with LLVM's assembler and compares the words.
func TestWords(t *testing.T) {
	assembler, err := exec.LookPath("llvm-mc")
	if err != nil {
		t.Skip("llvm-mc is not here")
	}
	word := regexp.MustCompile(`WORD \$0x([0-9a-f]{8}) // (.*)`)
	words := map[string]string{} // by what they are
	var lines []string
	for _, f := range Files() {
		for _, m := range word.FindAllStringSubmatch(f.Text, -1) {
			if words[m[2]] == "" {
				lines = append(lines, m[2])
			} else if words[m[2]] != m[1] {
				t.Fatalf("%s is %s and %s", m[2], words[m[2]], m[1])
			}
			words[m[2]] = m[1]
		}
	}
	if len(lines) < 1000 {
		t.Fatalf("%d different lines", len(lines))
	}
	cmd := exec.Command(assembler, "-arch=aarch64", "-mattr=+dotprod,+i8mm", "-show-encoding")
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %.2000s", err, out)
	}
	encodings := regexp.MustCompile(`encoding: \[0x(..),0x(..),0x(..),0x(..)\]`).FindAllStringSubmatch(string(out), -1)
	if len(encodings) != len(lines) {
		t.Fatalf("%d lines, %d encodings", len(lines), len(encodings))
	}
	for i, e := range encodings {
		if got := fmt.Sprint(e[4], e[3], e[2], e[1]); got != words[lines[i]] {
			t.Errorf("%s is %s, written is %s", lines[i], got, words[lines[i]])
		}
	}
}
