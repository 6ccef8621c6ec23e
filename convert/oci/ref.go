package oci

import (
	"errors"
	"fmt"
	"net"
	"strings"

	_ "crypto/sha512" // digests may be of it

	"github.com/carat-llm/carat/gguf"
	"github.com/opencontainers/go-digest"
	"oras.land/oras-go/v2/registry"
)

// Ref names a model of a registry, or of a layout folder.
type Ref struct {
	Registry string // HOST[:PORT]; "" is a layout
	Name     string // of the repository in the registry, or the folder
	Tag      string // "" where Digest is meant
	Digest   string // sha256:...
}

// Parse reads oci://HOST[:PORT]/NAME[:TAG|@DIGEST], a registry, and oci:FOLDER[:TAG|@DIGEST], a layout. Without a tag it is latest.
// ok is false for what does not begin with oci:.
func Parse(s string) (r Ref, ok bool, err error) {
	rest, isRegistry := strings.CutPrefix(s, "oci://")
	if isRegistry {
		p, err := registry.ParseReference(rest)
		if err == nil && strings.HasSuffix(rest, ":") {
			err = errors.New("nothing stands behind its colon")
		}
		if err != nil {
			return r, false, fmt.Errorf("%w: %s: %w; expected oci://HOST/NAME, with :TAG or @sha256:DIGEST behind it", gguf.ErrInput, s, err)
		}
		r.Registry, r.Name = p.Registry, p.Repository
		if _, err := p.Digest(); err == nil {
			r.Digest = p.Reference
		} else {
			r.Tag = p.ReferenceOrDefault()
		}
		return r, true, nil
	}
	if rest, ok = strings.CutPrefix(s, "oci:"); !ok {
		return r, false, nil
	}
	r.Name, r.Tag = rest, "latest"
	if name, d, ok := strings.Cut(rest, "@"); ok {
		r.Name, r.Tag, r.Digest = name, "", d
		_, err = digest.Parse(d)
	} else if i := strings.LastIndexByte(rest, ':'); i > 0 && !strings.ContainsAny(rest[i:], `/\`) {
		r.Name, r.Tag = rest[:i], rest[i+1:]
		err = registry.Reference{Reference: r.Tag}.ValidateReferenceAsTag()
	}
	if err == nil && r.Name == "" {
		err = errors.New("there is no name of a folder")
	}
	if err != nil {
		return Ref{}, false, fmt.Errorf("%w: %s: %w; expected oci:FOLDER, with :TAG or @sha256:DIGEST behind it", gguf.ErrInput, s, err)
	}
	return r, true, nil
}

// String is the form that Parse reads.
func (r Ref) String() string {
	s := "oci:" + r.Name
	if r.Registry != "" {
		s = "oci://" + r.Registry + "/" + r.Name
	}
	if r.Digest != "" {
		return s + "@" + r.Digest
	}
	return s + ":" + r.Tag
}

// At is the same place with a digest.
func (r Ref) At(d string) Ref {
	r.Tag, r.Digest = "", d
	return r
}

// reference is the tag or the digest.
func (r Ref) reference() string {
	if r.Digest != "" {
		return r.Digest
	}
	return r.Tag
}

// loopback reports whether a registry is on this machine.
func loopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
