package hub

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/carat-llm/carat/convert/fetch"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
)

// Repo is a repository at a commit.
type Repo struct {
	Ref    Ref
	Commit string
	Files  []File
}

// File is one of a repository.
type File struct {
	Path string
	Size int64
	// Sum is the SHA-256 of a large file (LFS), or git's SHA-1 of a small one, in hexadecimal digits. The cache calls it so.
	Sum string
}

// maxListing is the size of the largest listing that is read; 100000 files take less.
const maxListing = 64 << 20

// Repo asks for the files of a repository.
func (c *Client) Repo(ctx context.Context, r Ref) (*Repo, error) {
	address := c.endpoint.JoinPath("api/models", r.ID, "revision").String() + "/" + url.PathEscape(r.revision()) + "?blobs=true"
	var answer struct {
		SHA      string `json:"sha"`
		Siblings []struct {
			Name   string `json:"rfilename"`
			Size   *int64 `json:"size"`
			BlobID string `json:"blobId"`
			LFS    *struct {
				SHA256 string `json:"sha256"`
				OID    string `json:"oid"`
				Size   *int64 `json:"size"`
			} `json:"lfs"`
		} `json:"siblings"`
	}
	err := c.Again(ctx, r.String(), func() (bool, error) {
		b, err := c.read(ctx, address, maxListing)
		if err != nil {
			return false, err
		}
		if err := json.Unmarshal(b, &answer); err != nil {
			return false, fetch.Final(fmt.Errorf("%w: %s: %s: the answer is not a hub's: %w", gguf.ErrInput, r, c.endpoint, err))
		}
		return false, nil
	})
	if err != nil {
		return nil, c.explain(r, err)
	}
	repo := &Repo{Ref: r, Commit: answer.SHA}
	if !commitName.MatchString(repo.Commit) || commitName.MatchString(r.revision()) && r.revision() != repo.Commit {
		return nil, fmt.Errorf("%w: %s: %s: the answer is not a hub's: it is about the commit %q", gguf.ErrInput, r, c.endpoint, repo.Commit)
	}
	for _, s := range answer.Siblings {
		f := File{Path: s.Name, Size: -1, Sum: s.BlobID}
		if s.Size != nil {
			f.Size = *s.Size
		}
		if s.LFS != nil {
			f.Sum = s.LFS.SHA256
			if f.Sum == "" {
				f.Sum = s.LFS.OID
			}
			if s.LFS.Size != nil {
				f.Size = *s.LFS.Size
			}
		}
		repo.Files = append(repo.Files, f)
	}
	return repo, nil
}

// read gets all of a small answer.
func (c *Client) read(ctx context.Context, address string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := c.ask(ctx, address, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, stop := c.Watch(resp.Body, cancel)
	defer stop()
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fetch.Final(fmt.Errorf("%w: %s: the answer has more than %d bytes", gguf.ErrInput, address, limit))
	}
	return b, err
}

// explain says what the hub's refusal means.
func (c *Client) explain(r Ref, err error) error {
	var s *fetch.StatusError
	if !errors.As(err, &s) || errors.Is(err, gguf.ErrEnvironment) {
		return err
	}
	page := c.endpoint.JoinPath(r.ID).String()
	login := "set HF_TOKEN, or run hf auth login, if it is private"
	if c.token != "" {
		login = "see whether the token may read it, if it is private"
	}
	switch {
	case s.Code == "GatedRepo":
		return hint.Wrap(fmt.Errorf("%w: %s: access to this repository has to be asked for", gguf.ErrEnvironment, r), "accept its terms at %s and set HF_TOKEN", page)
	case s.Code == "RevisionNotFound":
		return fmt.Errorf("%w: %s: %s has no revision %s", gguf.ErrInput, r, page, r.revision())
	case s.Code == "EntryNotFound":
		return fmt.Errorf("%w: %s: the hub lists a file that it does not have: %w", gguf.ErrInput, r, s)
	case s.Code == "DisabledRepo":
		return fmt.Errorf("%w: %s: the hub has disabled this repository", gguf.ErrInput, r)
	case s.Status == http.StatusNotFound, s.Status == http.StatusUnauthorized, s.Code == "RepoNotFound":
		return hint.Wrap(fmt.Errorf("%w: %s: there is no repository %s, or not for everybody (%w)", gguf.ErrInput, r, page, s), "%s", login)
	case s.Status == http.StatusForbidden:
		return hint.Wrap(fmt.Errorf("%w: %s: the hub refuses access: %w", gguf.ErrEnvironment, r, s), "see %s, and whether the token may read it", page)
	}
	return fmt.Errorf("%w: %s: %w", gguf.ErrEnvironment, r, err)
}

// address is where a file of the repository is.
func (c *Client) address(repo *Repo, f File) string {
	parts := strings.Split(f.Path, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return c.endpoint.JoinPath(repo.Ref.ID, "resolve", repo.Commit).String() + "/" + strings.Join(parts, "/")
}

var sumName = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)

// check refuses files that cannot be fetched, or that would be written elsewhere than in their folder.
func (f File) check(r Ref) error {
	switch {
	case !fetch.PlainPath(f.Path):
		return fmt.Errorf("%w: %s: the repository has a file with the name %q, which could be written outside its folder", gguf.ErrInput, r, f.Path)
	case f.Size < 0:
		return fmt.Errorf("%w: %s: the hub does not tell the size of %s", gguf.ErrInput, r, f.Path)
	case !sumName.MatchString(f.Sum):
		return fmt.Errorf("%w: %s: the hub does not tell the checksum of %s (got %q)", gguf.ErrInput, r, f.Path, f.Sum)
	}
	return nil
}

// hash is the one that Sum is of.
func (f File) hash() hash.Hash {
	if len(f.Sum) == 2*sha256.Size {
		return sha256.New()
	}
	h := sha1.New()
	fmt.Fprintf(h, "blob %d\x00", f.Size) // as git does
	return h
}

// verify compares what r has with Sum.
func (f File) verify(r io.Reader) error {
	h := f.hash()
	if _, err := io.CopyBuffer(h, r, make([]byte, 1<<20)); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != f.Sum {
		return &fetch.SumError{Err: fmt.Errorf("%w: %s: its checksum is %s, the hub says %s", gguf.ErrInput, f.Path, got, f.Sum)}
	}
	return nil
}
