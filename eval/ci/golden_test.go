package ci

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata anew; look at the difference before you commit it")

// files are the outputs by the names of their golden files.
var files = []struct {
	name  string
	write func(io.Writer, *report.Report) error
}{
	{"annotations.txt", func(w io.Writer, r *report.Report) error { return Annotations(w, r, "ci/carat.yaml") }},
	{"outputs.txt", func(w io.Writer, r *report.Report) error { return WriteOutputs(w, Outputs(r, "out/report.json")) }},
	{"comment.md", func(w io.Writer, r *report.Report) error { return Comment(w, r, "smol/Q4", render) }},
	{"findings.sarif", WriteSARIF},
	{"bom.cdx.json", WriteCycloneDX},
	{"test-result.json", func(w io.Writer, r *report.Report) error { return statementFile(w, r, testResultOf) }},
	{"provenance.json", func(w io.Writer, r *report.Report) error { return statementFile(w, r, provenanceOf) }},
	{"statements.intoto.jsonl", func(w io.Writer, r *report.Report) error { return WriteStatements(w, r, githubRun) }},
	{"benchmark.json", WriteBenchmark},
	{"mlflow.json", WriteMLflow},
}

// statementFile writes one statement for people to read.
func statementFile(w io.Writer, r *report.Report, of func(*report.Report, Run) (*statement, error)) error {
	s, err := of(r, githubRun)
	if err != nil {
		return err
	}
	return writeJSON(w, s)
}

func write(t *testing.T, r *report.Report, name string) []byte {
	t.Helper()
	for _, f := range files {
		if f.name == name {
			var b bytes.Buffer
			require.NoError(t, f.write(&b, r), name)
			return b.Bytes()
		}
	}
	t.Fatalf("no output %s", name)
	return nil
}

// TestFiles compares every output, of the ordinary and of the hostile report, with its file in testdata.
func TestFiles(t *testing.T) {
	for kind, r := range map[string]func() *report.Report{"ordinary": ordinary, "hostile": hostile} {
		for _, f := range files {
			got := write(t, r(), f.name)
			require.Equal(t, string(got), string(write(t, r(), f.name)), "%s: same bytes each time", f.name)
			path := filepath.Join("testdata", kind, f.name)
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
				require.NoError(t, os.WriteFile(path, got, 0o644))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got), path)
		}
	}
}

// object is JSON read back; its methods fail the test where the path of keys does not lead to what is asked for.
type object struct {
	t *testing.T
	v any
}

func parse(t *testing.T, b []byte) object {
	t.Helper()
	var v any
	require.NoError(t, json.Unmarshal(b, &v), "%s", b)
	return object{t, v}
}

func (o object) at(keys ...any) object {
	o.t.Helper()
	v := o.v
	for _, k := range keys {
		switch k := k.(type) {
		case string:
			m, ok := v.(map[string]any)
			require.True(o.t, ok, "%v: no object at %q of %v", v, k, keys)
			v, ok = m[k]
			require.True(o.t, ok, "%v: no key %q of %v", m, k, keys)
		case int:
			a, ok := v.([]any)
			require.True(o.t, ok && k < len(a), "%v: no element %d of %v", v, k, keys)
			v = a[k]
		}
	}
	return object{o.t, v}
}

func (o object) list(keys ...any) []object {
	o.t.Helper()
	a, ok := o.at(keys...).v.([]any)
	require.True(o.t, ok, "no list at %v", keys)
	out := make([]object, len(a))
	for i, v := range a {
		out[i] = object{o.t, v}
	}
	return out
}

func (o object) text(keys ...any) string {
	o.t.Helper()
	s, ok := o.at(keys...).v.(string)
	require.True(o.t, ok, "no string at %v", keys)
	return s
}

func (o object) has(key string) bool {
	_, ok := o.v.(map[string]any)[key]
	return ok
}

func lines(b []byte) []string { return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") }
