package ci_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"
)

// action is what of action.yml the runner reads.
type action struct {
	Name        string
	Description string
	Author      string
	Branding    map[string]string
	Inputs      map[string]struct{ Description, Default string }
	Outputs     map[string]struct{ Description, Value string }
	Runs        struct {
		Using string
		Steps []step
	}
}

type step struct {
	Name  string
	ID    string
	If    string
	Shell string
	Run   string
	Uses  string
	Env   map[string]string
	With  map[string]string
}

func readAction(t *testing.T) (action, string) {
	t.Helper()
	b, err := os.ReadFile("../../action.yml")
	require.NoError(t, err)
	var a action
	d := yaml.NewDecoder(strings.NewReader(string(b)))
	d.KnownFields(true)
	require.NoError(t, d.Decode(&a))
	return a, string(b)
}

var expression = regexp.MustCompile(`\$\{\{ *([^}]*?) *\}\}`)

func TestActionIsConsistent(t *testing.T) {
	a, text := readAction(t)
	require.Equal(t, "composite", a.Runs.Using)
	ids := map[string]bool{}
	for _, s := range a.Runs.Steps {
		if s.ID != "" {
			require.False(t, ids[s.ID])
			ids[s.ID] = true
		}
		require.NotEqual(t, s.Run == "", s.Uses == "", "%s: runs or uses", s.Name)
		if s.Uses != "" {
			require.Regexp(t, `^actions/[a-z/-]+@[0-9a-f]{40}$`, s.Uses, "pinned by its commit")
			continue
		}
		require.Equal(t, "bash", s.Shell)
		require.NotContains(t, s.Run, "${{", "what others wrote is no part of a script")
		script := regexp.MustCompile(`\$GITHUB_ACTION_PATH/([^"]+)" ([a-z]+)`).FindStringSubmatch(s.Run)
		require.NotNil(t, script, s.Run)
		source, err := os.ReadFile(filepath.Join("../..", script[1]))
		require.NoError(t, err)
		require.Contains(t, string(source), "\n"+script[2]+"() {")
		st, err := os.Stat(filepath.Join("../..", script[1]))
		require.NoError(t, err)
		require.NotZero(t, st.Mode()&0o100, "executable")
		for key := range s.Env {
			require.Contains(t, string(source), key)
		}
		for _, key := range regexp.MustCompile(`INPUT_[A-Z0-9_]+`).FindAllString(string(source), -1) {
			require.Contains(t, text, key+":", "the script's input is set by some step")
		}
	}
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`\b(inputs|steps)\.([a-z0-9-]+)`).FindAllStringSubmatch(text, -1) {
		if m[1] == "inputs" {
			require.Contains(t, a.Inputs, m[2], "declared")
			used[m[2]] = true
		} else {
			require.True(t, ids[m[2]], "there is a step %s", m[2])
		}
	}
	for name, in := range a.Inputs {
		require.True(t, used[name], "input %s is used", name)
		require.NotEmpty(t, in.Description)
	}
	for name, out := range a.Outputs {
		require.NotEmpty(t, out.Description, name)
	}
}

// runner runs a composite action's steps in order, as GitHub's does: it evaluates what of the expression language
// action.yml uses, and records what `uses` steps would get.
type runner struct {
	*bench
	inputs  map[string]string
	outputs map[string]map[string]string // of steps
	used    map[string]map[string]string // with, by name of the step
	log     string
	code    int // of the first step that failed
}

// run runs the action with the given inputs.
func (b *bench) run(inputs map[string]string) *runner {
	b.t.Helper()
	a, _ := readAction(b.t)
	r := &runner{bench: b, inputs: map[string]string{}, outputs: map[string]map[string]string{}, used: map[string]map[string]string{}}
	for name, in := range a.Inputs {
		r.inputs[name] = in.Default
		if expression.MatchString(in.Default) {
			r.inputs[name] = r.evaluate(in.Default)
		}
	}
	for name := range inputs {
		require.Contains(b.t, a.Inputs, name)
	}
	maps.Copy(r.inputs, inputs)
	for i, s := range a.Runs.Steps {
		if !r.condition(s.If) {
			continue
		}
		if s.Uses != "" {
			r.used[s.Name] = map[string]string{}
			for k, v := range s.With {
				r.used[s.Name][k] = r.evaluate(v)
			}
			continue
		}
		output := fmt.Sprint("output-", i)
		b.write(output, "")
		env := map[string]string{"GITHUB_OUTPUT": b.path(output)}
		for k, v := range s.Env {
			env[k] = r.evaluate(v)
		}
		b.write("step.sh", s.Run)
		code, log := b.shell([]string{"bash", "--noprofile", "--norc", "-e", "-o", "pipefail"}, b.path("step.sh"), env)
		r.log += log
		if code != 0 && r.code == 0 {
			r.code = code
		}
		if s.ID != "" {
			r.outputs[s.ID] = parseOutputs(b.t, b.read(output))
		}
	}
	return r
}

// github is a bench with the environment of a pull request's run.
func github(t *testing.T) *bench {
	b := newBench(t)
	b.write("event.json", `{"pull_request": {"number": 5}}`)
	maps.Copy(b.env, map[string]string{
		"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": b.dir, "GITHUB_STEP_SUMMARY": b.path("summary"), "GITHUB_EVENT_PATH": b.path("event.json"),
		"GITHUB_ACTION_PATH": b.root, "GITHUB_REPOSITORY": "o/n", "GITHUB_API_URL": b.server.URL, "RUNNER_TEMP": b.path("temp"),
		"RUNNER_OS": "Linux", "RUNNER_ARCH": "X64",
	})
	return b
}

func (r *runner) evaluate(s string) string {
	return expression.ReplaceAllStringFunc(s, func(m string) string { return r.value(expression.FindStringSubmatch(m)[1]) })
}

func (r *runner) value(e string) string {
	r.t.Helper()
	part := strings.Split(e, ".")
	switch {
	case strings.HasPrefix(e, "'") && strings.HasSuffix(e, "'"):
		return strings.Trim(e, "'")
	case e == "github.token":
		return "secret"
	case part[0] == "inputs" && len(part) == 2:
		return r.inputs[part[1]]
	case part[0] == "steps" && len(part) == 4 && part[2] == "outputs":
		return r.outputs[part[1]][part[3]]
	}
	require.Fail(r.t, "no such expression", e)
	return ""
}

func (r *runner) condition(s string) bool {
	r.t.Helper()
	always := false
	for _, term := range strings.Split(s, " && ") {
		left, right, equals := strings.Cut(term, " == ")
		if !equals {
			var differs bool
			left, right, differs = strings.Cut(term, " != ")
			switch {
			case term == "" || term == "success()":
				continue
			case term == "always()":
				always = true
				continue
			}
			require.True(r.t, differs, "no such condition: %s", term)
		}
		if (r.value(left) == r.value(right)) != equals {
			return false
		}
	}
	return always || r.code == 0
}

func parseOutputs(t *testing.T, text string) map[string]string {
	t.Helper()
	out := map[string]string{}
	l := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(l) && l[0] != ""; i++ {
		key, value, ok := strings.Cut(l[i], "=")
		if name, end, heredoc := strings.Cut(l[i], "<<"); heredoc && len(name) < len(key) {
			key, ok = name, true
			var lines []string
			for i++; l[i] != end; i++ {
				lines = append(lines, l[i])
			}
			value = strings.Join(lines, "\n")
		}
		require.True(t, ok, "%q", l[i])
		out[key] = value
	}
	return out
}
