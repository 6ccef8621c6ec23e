package ci

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/carat-llm/carat/eval/report"
)

// Run says where a report was made. The zero value says nothing of it; RunOf fills in what the environment tells.
type Run struct {
	// Built is set when the judged artefact was written in this run: only then is there a provenance to state.
	Built bool
	// Parameters are the options that the artefact was built with, by their long names; values that encoding/json takes.
	Parameters map[string]any
	// Builder is the URI of who ran carat, URL that of the run.
	Builder string
	URL     string
	// Repository and Commit are the source that was built from: "git+https://host/owner/name@refs/heads/main" and
	// the SHA-1 of the commit.
	Repository string
	Commit     string
}

// RunOf reads the environment of GitHub Actions and GitLab CI. env is os.Getenv.
func RunOf(env func(string) string) Run {
	switch {
	case env("GITHUB_ACTIONS") == "true":
		page := env("GITHUB_SERVER_URL") + "/" + env("GITHUB_REPOSITORY")
		run := Run{
			Builder:    "https://github.com/actions/runner/" + env("RUNNER_ENVIRONMENT"), // github-hosted or self-hosted
			URL:        page + "/actions/runs/" + env("GITHUB_RUN_ID"),
			Repository: "git+" + page + "@" + env("GITHUB_REF"),
			Commit:     env("GITHUB_SHA"),
		}
		if n := env("GITHUB_RUN_ATTEMPT"); n != "" {
			run.URL += "/attempts/" + n
		}
		return run
	case env("GITLAB_CI") == "true":
		return Run{
			Builder:    env("CI_SERVER_URL") + "/-/runners/" + env("CI_RUNNER_ID"),
			URL:        env("CI_JOB_URL"),
			Repository: "git+" + env("CI_PROJECT_URL") + "@" + env("CI_COMMIT_REF_NAME"),
			Commit:     env("CI_COMMIT_SHA"),
		}
	}
	return Run{}
}

const (
	statementType  = "https://in-toto.io/Statement/v1"
	testResultType = "https://in-toto.io/attestation/test-result/v0.1"
)

// ErrNoStatement says that a report has nothing that could be attested: no verdict, or no digest of an artefact.
var ErrNoStatement = errors.New("nothing to attest")

type statement struct {
	Type          string     `json:"_type"`
	Subject       []resource `json:"subject"`
	PredicateType string     `json:"predicateType"`
	Predicate     any        `json:"predicate"`
}

// resource is in-toto's ResourceDescriptor; one without a digest is not stated.
type resource struct {
	Name        string            `json:"name,omitempty"`
	URI         string            `json:"uri,omitempty"`
	Digest      map[string]string `json:"digest,omitempty"`
	Annotations map[string]any    `json:"annotations,omitempty"`
}

func resourceOf(name, sha, role string) []resource {
	if !isSHA256(sha) {
		return nil
	}
	x := resource{Name: name, Digest: map[string]string{"sha256": sha}}
	if role != "" {
		x.Annotations = map[string]any{"role": role}
	}
	return []resource{x}
}

// subject is the judged artefact.
func subject(r *report.Report) ([]resource, error) {
	c := judged(r)
	if c == nil {
		return nil, fmt.Errorf("%w: the report has no candidate", ErrNoStatement)
	}
	s := resourceOf(c.Name, c.SHA256, "")
	if s == nil {
		return nil, fmt.Errorf("%w: %s has no SHA-256 in the report (found %q)", ErrNoStatement, c.Name, c.SHA256)
	}
	return s, nil
}

// WriteStatements writes the statements as JSON lines (NAME.intoto.jsonl): the test result and, when run.Built, the
// provenance.
func WriteStatements(w io.Writer, r *report.Report, run Run) error {
	s, err := testResultOf(r, run)
	if err != nil {
		return err
	}
	all := []*statement{s}
	if run.Built {
		if s, err = provenanceOf(r, run); err != nil {
			return err
		}
		all = append(all, s)
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, s := range all {
		if err := e.Encode(s); err != nil {
			return err
		}
	}
	return nil
}

type testResult struct {
	Result        string     `json:"result"`
	Configuration []resource `json:"configuration"`
	URL           string     `json:"url,omitempty"`
	Passed        []string   `json:"passedTests"`
	Warned        []string   `json:"warnedTests"`
	Failed        []string   `json:"failedTests"`
}

// testResultOf is the in-toto Statement v1 with the predicate test-result v0.1: the verdict on the artefact under the
// policy. The result is FAILED unless the verdict is pass, whatever the exit code was made to be; WARNED when a gate at
// level "warn" or one that is waived did not pass. A gate that was skipped is in no list.
func testResultOf(r *report.Report, run Run) (*statement, error) {
	g := r.Gate
	if g == nil {
		return nil, fmt.Errorf("%w: the report has no verdict; carat gate gives one", ErrNoStatement)
	}
	s, err := subject(r)
	if err != nil {
		return nil, err
	}
	t := testResult{Result: "PASSED", URL: run.URL, Passed: []string{}, Warned: []string{}, Failed: []string{}, Configuration: []resource{}}
	t.Configuration = append(t.Configuration, resourceOf(g.Policy, g.PolicySHA256, "policy")...)
	for _, d := range r.Data {
		t.Configuration = append(t.Configuration, resourceOf(d.Name, d.SHA256, "text")...)
	}
	if r.Reference != nil {
		t.Configuration = append(t.Configuration, resourceOf(r.Reference.Name, r.Reference.SHA256, "reference")...)
	}
	skipped := false
	for i := range g.Gates {
		switch x := &g.Gates[i]; {
		case x.Verdict == report.Pass:
			t.Passed = append(t.Passed, x.ID)
		case decides(x):
			t.Failed = append(t.Failed, x.ID)
		case x.Verdict == report.Skipped:
			skipped = true
		default:
			t.Warned = append(t.Warned, x.ID)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if name := "finding:" + f.Rule; f.Level == report.Warn {
			t.Warned = append(t.Warned, name)
		} else {
			t.Failed = append(t.Failed, name)
		}
	}
	switch {
	case g.Verdict != report.Pass || len(t.Failed) > 0 || !r.Complete:
		t.Result = "FAILED"
	case len(t.Warned) > 0 || skipped:
		t.Result = "WARNED"
	}
	return &statement{statementType, s, testResultType, t}, nil
}
