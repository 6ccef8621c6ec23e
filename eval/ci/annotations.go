package ci

import (
	"fmt"
	"io"
	"strings"

	"github.com/carat-llm/carat/eval/report"
	"github.com/carat-llm/carat/internal/display"
)

// maxAnnotations is how many of each kind GitHub shows of a step.
const maxAnnotations = 10

// annotation is a workflow command. file and line may be unset.
type annotation struct {
	file    string
	line    int
	title   string
	message string
}

// Annotations prints GitHub workflow commands: an error for every gate and finding that decides the exit code, a
// warning for the others that did not pass, both at the policy's line. policyPath is relative to the repository;
// without one, annotations are of the run. Of each kind there are at most ten: the tenth names those left out.
func Annotations(w io.Writer, r *report.Report, policyPath string) error {
	var errors, warnings []annotation
	add := func(decides bool, a annotation) {
		if decides {
			errors = append(errors, a)
		} else {
			warnings = append(warnings, a)
		}
	}
	if g := r.Gate; g != nil {
		for i := range g.Gates {
			if s := &g.Gates[i]; s.Verdict != report.Pass {
				title := fmt.Sprintf("gate %s: %s", s.ID, s.Verdict)
				if s.Waived {
					title += " (waived)"
				}
				add(decides(s) && g.ExitCode != 0, annotation{policyPath, s.Line, title, s.Message})
			}
		}
		for _, x := range g.Waivers {
			if x.Expired {
				add(false, annotation{policyPath, 0, "waiver of " + x.Gate + " has expired", "It held until " + x.Until + ": " + x.Reason})
			}
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		add(f.Level == report.Error && (r.Gate == nil || r.Gate.ExitCode != 0), annotation{title: f.Rule, message: f.Model + ": " + where(f) + f.Message})
	}
	for _, c := range r.Candidates {
		if c.Failure != "" {
			add(r.Gate == nil || r.Gate.ExitCode != 0, annotation{title: c.Name + " could not be measured", message: c.Failure})
		}
	}
	if !r.Complete {
		add(false, annotation{title: "interrupted", message: "The run was interrupted: figures are of the chunks that were done."})
	}
	for _, k := range []struct {
		command string
		list    []annotation
	}{{"error", errors}, {"warning", warnings}} {
		for _, a := range aggregate(k.list) {
			if _, err := io.WriteString(w, a.command(k.command)); err != nil {
				return err
			}
		}
	}
	return nil
}

// decides says whether a gate that did not pass is one that the whole verdict hangs on.
func decides(g *report.Result) bool { return g.Level != report.Warn && !g.Waived }

// where names a finding's tensor or key.
func where(f *report.Finding) string {
	switch {
	case f.Tensor != "":
		return "tensor " + f.Tensor + ": "
	case f.Key != "":
		return "key " + f.Key + ": "
	}
	return ""
}

// aggregate puts the last of too many annotations into one.
func aggregate(a []annotation) []annotation {
	if len(a) <= maxAnnotations {
		return a
	}
	shown, rest := a[:maxAnnotations-1], a[maxAnnotations-1:]
	lines := make([]string, len(rest))
	for i, x := range rest {
		lines[i] = x.title + ": " + x.message
	}
	last := annotation{file: rest[0].file, line: rest[0].line, title: fmt.Sprintf("%d more", len(rest)), message: cut(strings.Join(lines, "\n"), 4000)}
	return append(shown[:len(shown):len(shown)], last)
}

func (a annotation) command(kind string) string {
	var properties []string
	property := func(key, value string) {
		properties = append(properties, key+"="+escapeProperty(value))
	}
	if a.file != "" {
		property("file", a.file)
		if a.line > 0 {
			property("line", fmt.Sprint(a.line))
		}
	}
	property("title", a.title)
	return "::" + kind + " " + strings.Join(properties, ",") + "::" + escapeData(a.message) + "\n"
}

// GitHub's rules (actions/toolkit, command.ts). Other control characters could only harm a terminal.
var (
	dataEscapes     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	propertyEscapes = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

func escapeData(s string) string     { return dataEscapes.Replace(printable(s)) }
func escapeProperty(s string) string { return propertyEscapes.Replace(printable(s)) }

// printable escapes what cannot be seen, line by line.
func printable(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = display.Name(l)
	}
	return strings.Join(lines, "\n")
}
