package page

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/carat-llm/carat/eval/figure"
	"github.com/carat-llm/carat/eval/report"
)

// JUnit's format, as far as CI systems agree on it.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Failure *junitMessage `xml:"failure"`
		Error   *junitMessage `xml:"error"`
		Skipped *junitMessage `xml:"skipped"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes a test case for each gate and the slice it is of, or without a gate one for each candidate; and one
// for each structural finding. Failed and inconclusive gates are failures, required ones that were skipped errors;
// waived ones and those that only warn pass and say so.
func JUnit(w io.Writer, r *report.Report) error {
	out := junitSuites{Name: "carat " + clean(r.Command)}
	var main junitSuite
	if g := r.Gate; g != nil {
		main.Name = clean(g.Policy)
		for i := range g.Gates {
			main.Cases = append(main.Cases, gateCase(&g.Gates[i], g.Candidate))
		}
	} else {
		main.Name = "candidates"
		for i := range r.Candidates {
			main.Cases = append(main.Cases, candidateCase(&r.Candidates[i]))
		}
	}
	out.add(main)
	if len(r.Findings) > 0 {
		s := junitSuite{Name: "structure"}
		for i := range r.Findings {
			f := &r.Findings[i]
			c := junitCase{Name: clean(f.Rule), Class: clean(f.Model)}
			if f.Level == report.Error {
				c.Failure = &junitMessage{Message: findingText(f), Type: f.Level}
			} else {
				c.Out = f.Level + ": " + findingText(f)
			}
			s.Cases = append(s.Cases, c)
		}
		out.add(s)
	}
	b, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, xml.Header+string(b)+"\n")
	return err
}

func (s *junitSuites) add(x junitSuite) {
	for _, c := range x.Cases {
		x.Tests++
		switch {
		case c.Failure != nil:
			x.Failures++
		case c.Error != nil:
			x.Errors++
		case c.Skipped != nil:
			x.Skipped++
		}
	}
	s.Tests += x.Tests
	s.Failures += x.Failures
	s.Errors += x.Errors
	s.Skipped += x.Skipped
	s.Suites = append(s.Suites, x)
}

func gateCase(x *report.Result, candidate string) junitCase {
	c := junitCase{Name: clean(x.ID), Class: clean(candidate)}
	if x.Slice != "" {
		c.Name += " [" + clean(x.Slice) + "]"
	}
	text := measuredText(x)
	message := &junitMessage{Message: text, Type: x.Verdict, Text: clean(x.Message)}
	switch {
	case x.Verdict == report.Pass:
		c.Out = text
	case x.Verdict == report.Skipped && decides(x):
		c.Error = message
	case x.Verdict == report.Skipped:
		c.Skipped = &junitMessage{Message: clean(x.Message)}
	case decides(x):
		c.Failure = message
	default:
		c.Out = verdictText(x) + ": " + text + "; " + clean(x.Message)
	}
	return c
}

// measured is "kld.mean 0.0762 (0.0465 – 0.1059), limit ≤ 0.12".
func measuredText(x *report.Result) string {
	s := whatText(x) + " " + valueText(x)
	if i := intervalText(x); i != "" {
		s += " (" + i + ")"
	}
	return s + ", limit " + limitText(x)
}

func candidateCase(c *report.Candidate) junitCase {
	j := junitCase{Name: clean(c.Name), Class: clean(c.FileType)}
	if c.Failure != "" {
		j.Error = &junitMessage{Message: clean(c.Failure), Type: "failure"}
		return j
	}
	if c.Metrics == nil {
		j.Skipped = &junitMessage{Message: "not measured"}
		return j
	}
	var s []string
	for _, f := range figure.Of(c.Metrics) {
		v, ci := valueOf(f, c.Metrics)
		line := fmt.Sprintf("%s: %s", f.Title, show(f.Name, v))
		if i := showInterval(f.Name, ci); i != "" {
			line += " (" + i + ")"
		}
		s = append(s, line)
	}
	j.Out = strings.Join(s, "\n")
	return j
}
