package ci_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/carat-llm/carat/eval/ci"
	"github.com/carat-llm/carat/eval/report"
	"github.com/stretchr/testify/require"
)

// TestMain is also the fake carat: a link of that name to this test's binary.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == "carat" {
		os.Exit(fakeCarat(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// fakeCarat records its arguments in $FAKE/args and writes the reports that they ask for. FAKE_CODE is what it exits
// with: 0, 1 and 3 are verdicts, with others there is no report.
func fakeCarat(args []string) int {
	if slices.Equal(args, []string{"--version"}) {
		fmt.Println("carat fake")
		return 0
	}
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	must(os.WriteFile(filepath.Join(os.Getenv("FAKE"), "args"), []byte(strings.Join(args, "\n")), 0o600))
	code, err := strconv.Atoi(os.Getenv("FAKE_CODE"))
	must(err)
	verdict, ok := map[int]string{0: report.Pass, 1: report.Fail, 3: report.Inconclusive}[code]
	if !ok {
		fmt.Fprintln(os.Stderr, "carat: model.gguf: bad input: the file is truncated")
		return code
	}
	exit := code
	if slices.Contains(args, "--warn-only") {
		exit = 0
	}
	r := &report.Report{
		Schema: report.Schema, Version: 1, Complete: true,
		Candidates: []report.Candidate{{Model: report.Model{Name: "model.gguf", SHA256: strings.Repeat("5", 64), Bytes: 123, BitsPerWeight: 4.5}}},
		Gate: &report.Gate{Verdict: verdict, ExitCode: exit, Policy: "carat.yaml", Candidate: "model.gguf",
			Gates: []report.Result{{ID: "kld", Level: report.Error, Verdict: verdict, Message: "100 % measured", Line: 7}}},
	}
	markdown := func(w io.Writer, r *report.Report) error {
		_, err := fmt.Fprintf(w, "# The verdict is %s\n", r.Gate.Verdict)
		return err
	}
	path := map[string]string{}
	for _, a := range args {
		if key, value, ok := strings.Cut(a, "="); ok {
			path[key] = value
		}
	}
	b, err := json.Marshal(r)
	must(err)
	must(os.WriteFile(path["--report"], b, 0o600))
	var md bytes.Buffer
	must(markdown(&md, r))
	must(os.WriteFile(path["--markdown"], md.Bytes(), 0o600))
	if cache := path["--cache"]; cache != "" {
		must(os.MkdirAll(cache, 0o700))
		must(os.WriteFile(filepath.Join(cache, "entry"), []byte(verdict), 0o600))
	}
	if slices.Contains(args, "--github") {
		must(ci.GitHub(os.Getenv, os.Stdout, r, ci.GitHubOptions{PolicyPath: path["--policy"], ReportPath: path["--report"], Markdown: markdown}))
	}
	return exit
}

// bench is a place to run scripts in: a folder, an environment, a server.
type bench struct {
	t      *testing.T
	dir    string
	root   string // of the repository
	env    map[string]string
	server *server
}

func newBench(t *testing.T) *bench {
	t.Helper()
	for _, tool := range []string{"bash", "curl", "jq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s", tool)
		}
	}
	t.Parallel()
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	b := &bench{t: t, dir: t.TempDir(), root: root, server: newServer(t)}
	require.NoError(t, os.Mkdir(b.path("bin"), 0o700))
	require.NoError(t, os.Symlink(self, b.path("bin/carat")))
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.server.Certificate().Raw})
	require.NoError(t, os.WriteFile(b.path("ca.pem"), authority, 0o600))
	b.env = map[string]string{
		"PATH": b.path("bin") + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME": b.dir, "TMPDIR": b.dir,
		"CURL_CA_BUNDLE": b.path("ca.pem"), "FAKE": b.dir, "FAKE_CODE": "0", "CARAT_RELEASES": b.server.URL + "/releases",
	}
	return b
}

func (b *bench) path(name string) string { return filepath.Join(b.dir, filepath.FromSlash(name)) }

func (b *bench) read(name string) string {
	b.t.Helper()
	text, err := os.ReadFile(b.path(name))
	require.NoError(b.t, err)
	return string(text)
}

func (b *bench) write(name, text string) {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(b.path(name), []byte(text), 0o600))
}

// args are what carat was called with.
func (b *bench) args() []string { return strings.Split(b.read("args"), "\n") }

// shell runs a script in the folder, with more environment, and returns its exit code and what it printed.
func (b *bench) shell(program []string, script string, env map[string]string) (int, string) {
	b.t.Helper()
	c := exec.Command(program[0], append(program[1:], script)...)
	c.Dir = b.dir
	for _, m := range []map[string]string{b.env, env} {
		for k, v := range m {
			c.Env = append(c.Env, k+"="+v)
		}
	}
	out, err := c.CombinedOutput()
	if err != nil {
		require.IsType(b.t, &exec.ExitError{}, err)
	}
	return c.ProcessState.ExitCode(), string(out)
}

// message is a comment of GitHub's or a note of GitLab's.
type message struct {
	ID     int    `json:"id"`
	Body   string `json:"body"`
	User   author `json:"user"`
	Author author `json:"author"`
}

type author struct {
	ID    int    `json:"id"`
	Login string `json:"login"`
}

// server holds comments and releases. It lists no more than a page of comments, wants the token "secret", and answers
// 403 to writes when readOnly.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	messages []message
	files    map[string]string
	readOnly bool
	calls    []string
}

func newServer(t *testing.T) *server {
	s := &server{messages: []message{}, files: map[string]string{}}
	s.Server = httptest.NewTLSServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if text, ok := s.files[q.URL.Path]; ok {
		fmt.Fprint(w, text)
		return
	}
	const comments, one, notes = "/repos/o/n/issues/5/comments", "/repos/o/n/issues/comments/", "/projects/9/merge_requests/5/notes"
	github := q.Header.Get("Authorization") == "Bearer secret"
	gitlab := q.Header.Get("PRIVATE-TOKEN") == "secret"
	path := q.URL.Path
	s.calls = append(s.calls, q.Method+" "+path)
	switch {
	case !github && !gitlab:
		http.Error(w, "no token", http.StatusUnauthorized)
	case q.Method == "GET" && path == "/user":
		fmt.Fprint(w, `{"id": 1}`)
	case q.Method == "GET" && (path == comments || path == notes):
		page, _ := strconv.Atoi(q.URL.Query().Get("page"))
		size, _ := strconv.Atoi(q.URL.Query().Get("per_page"))
		from := min((page-1)*size, len(s.messages))
		_ = json.NewEncoder(w).Encode(s.messages[from:min(from+size, len(s.messages))])
	case s.readOnly:
		http.Error(w, "read only", http.StatusForbidden)
	case q.Method == "POST" && (path == comments || path == notes):
		m := message{ID: 1000 + len(s.messages), User: author{1, "github-actions[bot]"}, Author: author{ID: 1}}
		_ = json.NewDecoder(q.Body).Decode(&m)
		s.messages = append(s.messages, m)
		w.WriteHeader(http.StatusCreated)
	case q.Method == "PATCH" && strings.HasPrefix(path, one), q.Method == "PUT" && strings.HasPrefix(path, notes+"/"):
		id, _ := strconv.Atoi(path[strings.LastIndexByte(path, '/')+1:])
		i := slices.IndexFunc(s.messages, func(m message) bool { return m.ID == id })
		if i < 0 || json.NewDecoder(q.Body).Decode(&s.messages[i]) != nil {
			http.Error(w, "no such comment", http.StatusNotFound)
		}
	default:
		http.Error(w, "no such call", http.StatusNotFound)
	}
}

// marked are the messages that begin with a marker.
func (s *server) marked(marker string) (out []message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.messages {
		if strings.HasPrefix(m.Body, marker) {
			out = append(out, m)
		}
	}
	return out
}

// chatter posts n comments of others, one of which pretends to be the gate's.
func (s *server) chatter(n int, marker string) {
	for i := range n {
		m := message{ID: i + 1, Body: "looks good", User: author{7, "mallory"}, Author: author{ID: 7}}
		if i == 3 {
			m.Body = marker + "\nverdict: pass"
		}
		s.messages = append(s.messages, m)
	}
}
