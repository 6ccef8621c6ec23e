package hub

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/carat-llm/carat/convert/fetch"
	"github.com/carat-llm/carat/gguf"
)

// Ref names a model of the hub.
type Ref struct {
	ID       string // ORG/NAME
	Revision string // a branch, a tag or a commit; "" is main
	// File is a GGUF file of the repository, or the type in the name of one, as Q4_K_M; "" is the checkpoint.
	File string
}

// String is the form that Parse reads.
func (r Ref) String() string {
	s := r.ID
	if r.Revision != "" {
		s += "@" + r.Revision
	}
	if r.File != "" {
		s += ":" + r.File
	}
	return s
}

// revision is the one to ask for.
func (r Ref) revision() string {
	if r.Revision == "" {
		return "main"
	}
	return r.Revision
}

var (
	idPart = regexp.MustCompile(`^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$`)
	// localEnds are of names that are more likely a file that is missing than a repository.
	localEnds = regexp.MustCompile(`(?i)\.(gguf|safetensors|bin|pt|pth|json|jsonl|yaml|txt|md|dat)(/|$)`)
)

// Parse reads ORG/NAME[@REVISION][:FILE], which may begin with hf://, or a page of the hub: https://huggingface.co/ORG/NAME,
// with /tree/REVISION or /blob/REVISION/FILE.gguf behind it. ok is false for what is more likely a path; what begins with hf://
// or as an address of the hub and is none wraps gguf.ErrInput.
func Parse(s string) (r Ref, ok bool, err error) {
	if page, isURL := strings.CutPrefix(s, "https://"); isURL {
		return parsePage(s, page)
	}
	rest, scheme := strings.CutPrefix(s, "hf://")
	r.ID, r.File, _ = strings.Cut(rest, ":")
	r.ID, r.Revision, _ = strings.Cut(r.ID, "@")
	if !scheme && localEnds.MatchString(r.ID) {
		return Ref{}, false, nil
	}
	switch err := r.check(); {
	case err == nil && rest == r.String(): // nothing empty behind @ or :
		return r, true, nil
	case !scheme:
		return Ref{}, false, nil
	case err == nil:
		err = fmt.Errorf("nothing stands behind its @ or its colon")
		fallthrough
	default:
		return Ref{}, false, fmt.Errorf("%w: %s: %w; expected hf://ORG/NAME, with @REVISION or :FILE.gguf behind it", gguf.ErrInput, s, err)
	}
}

// parsePage reads the address of a page without its https://.
func parsePage(s, page string) (r Ref, ok bool, err error) {
	host, rest, _ := strings.Cut(page, "/")
	if !pageHost(host) {
		return r, false, nil
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	parts := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	if len(parts) >= 2 {
		r.ID = parts[0] + "/" + parts[1]
	}
	if len(parts) >= 4 {
		switch parts[2] {
		case "tree":
			r.Revision = strings.Join(parts[3:], "/")
		case "blob", "resolve":
			r.Revision, r.File = parts[3], strings.Join(parts[4:], "/")
		}
		r.Revision, _ = url.PathUnescape(r.Revision)
		r.File, _ = url.PathUnescape(r.File)
	}
	if err = r.check(); err == nil && (len(parts) == 2 || r.Revision != "") {
		return r, true, nil
	}
	return Ref{}, false, fmt.Errorf("%w: %s: not the address of a model; expected https://%s/ORG/NAME or https://%s/ORG/NAME/tree/REVISION", gguf.ErrInput, s, host, host)
}

func pageHost(host string) bool {
	if host == "huggingface.co" || host == "hf.co" {
		return true
	}
	e, err := endpoint()
	return err == nil && e.Host == host
}

// check refuses what cannot be a part of a name: it becomes part of paths and addresses.
func (r Ref) check() error {
	org, name, _ := strings.Cut(r.ID, "/")
	for _, p := range []string{org, name} {
		if !idPart.MatchString(p) || strings.Contains(p, "--") || strings.Contains(p, "..") {
			return fmt.Errorf("%q is not the name of a repository", r.ID)
		}
	}
	if r.Revision != "" && !fetch.PlainPath(r.Revision) {
		return fmt.Errorf("%q is not a revision", r.Revision)
	}
	if r.File != "" && !fetch.PlainPath(r.File) {
		return fmt.Errorf("%q is not the name of a file", r.File)
	}
	return nil
}
