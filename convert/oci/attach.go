package oci

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Attachment is a document about a model, which a registry keeps as a manifest of its own that refers to the model's.
type Attachment struct {
	Name    string // of its file
	Type    string // media type of its bytes, and type of the artifact
	Content []byte

	predicate string   // what an in-toto statement states
	subjects  []string // SHA-256 of what it is about; none where it does not say so
}

const predicateAnnotation = "in-toto.io/predicate-type" // as BuildKit and cosign have it

// Types of attachments.
const (
	inToto    = "application/vnd.in-toto+json"
	dsse      = "application/vnd.dsse.envelope.v1+json"
	cycloneDX = "application/vnd.cyclonedx+json"
	spdx      = "application/spdx+json"
	sarif     = "application/sarif+json"
)

// Attachments tells by its content what a document is: in-toto statements, one a line or alone, bare or in envelopes (DSSE,
// Sigstore's bundles), an inventory (CycloneDX, SPDX), or findings (SARIF). Each statement becomes an attachment of its own.
func Attachments(name string, content []byte) ([]Attachment, error) {
	whole := bytes.TrimSpace(content)
	if json.Valid(whole) {
		a, err := attachment(filepath.Base(name), whole)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", gguf.ErrInput, name, err)
		}
		if a.predicate == "" {
			a.Content = content // as it is
		}
		return []Attachment{*a}, nil
	}
	var all []Attachment
	for i, line := range bytes.Split(whole, []byte("\n")) {
		a, err := attachment("", bytes.TrimSpace(line))
		if err == nil && a.predicate == "" {
			err = fmt.Errorf("is no in-toto statement")
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %s: line %d: %w", gguf.ErrInput, name, i+1, err)
		}
		stem, _, _ := strings.Cut(filepath.Base(name), ".intoto")
		a.Name = fmt.Sprintf("%s.%s.intoto.json", strings.TrimSuffix(stem, ".jsonl"), short(a.predicate))
		if slices.ContainsFunc(all, func(b Attachment) bool { return b.Name == a.Name }) {
			a.Name = fmt.Sprintf("%s.%d.intoto.json", strings.TrimSuffix(a.Name, ".intoto.json"), i+1)
		}
		all = append(all, *a)
	}
	return all, nil
}

var version = regexp.MustCompile(`^v?[0-9.]+$`)

// short is the part of a predicate's URI that says what it is: test-result, provenance.
func short(predicate string) string {
	for p := predicate; ; p = path.Dir(p) {
		base := path.Base(p)
		if base == "." || base == "/" {
			return "statement"
		}
		if clean := regexp.MustCompile(`[^A-Za-z0-9._-]`).ReplaceAllString(base, ""); clean != "" && !version.MatchString(base) {
			return clean
		}
	}
}

// attachment is what one JSON object is.
func attachment(name string, content []byte) (*Attachment, error) {
	var x struct {
		MediaType     string            `json:"mediaType"`
		Type          string            `json:"_type"`
		PredicateType string            `json:"predicateType"`
		Subject       []subject         `json:"subject"`
		PayloadType   string            `json:"payloadType"`
		Payload       string            `json:"payload"`
		Format        string            `json:"bomFormat"`
		SPDX          string            `json:"spdxVersion"`
		Runs          []json.RawMessage `json:"runs"`
		Metadata      struct {
			Component struct {
				Hashes []struct {
					Algorithm string `json:"alg"`
					Content   string `json:"content"`
				} `json:"hashes"`
			} `json:"component"`
		} `json:"metadata"`
	}
	// A statement's metadata may be anything: what does not fit is left out.
	if err := json.Unmarshal(content, &x); err != nil && !json.Valid(content) {
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	a := &Attachment{Name: name, Content: content}
	switch {
	case strings.HasPrefix(x.Type, "https://in-toto.io/Statement/") && x.PredicateType != "":
		a.Type, a.predicate = inToto, x.PredicateType
		for _, s := range x.Subject {
			a.subjects = append(a.subjects, strings.ToLower(s.Digest["sha256"]))
		}
		if len(a.subjects) == 0 {
			return nil, fmt.Errorf("is an in-toto statement without a subject")
		}
	case x.PayloadType == inToto:
		b, err := base64.StdEncoding.DecodeString(x.Payload)
		if err != nil {
			return nil, fmt.Errorf("has a payload that is not base64: %w", err)
		}
		inner, err := attachment(name, b)
		if err != nil || inner.Type != inToto {
			return nil, fmt.Errorf("its payload is no in-toto statement")
		}
		a.Type, a.predicate, a.subjects = dsse, inner.predicate, inner.subjects
	case strings.HasPrefix(x.MediaType, "application/vnd.dev.sigstore.bundle"):
		a.Type = x.MediaType
	case x.Format == "CycloneDX":
		a.Type = cycloneDX
		for _, h := range x.Metadata.Component.Hashes {
			if h.Algorithm == "SHA-256" {
				a.subjects = append(a.subjects, strings.ToLower(h.Content))
			}
		}
	case strings.HasPrefix(x.SPDX, "SPDX-"):
		a.Type = spdx
	case len(x.Runs) > 0:
		a.Type = sarif
	default:
		return nil, hint.Wrap(fmt.Errorf("is nothing that is attached to models"),
			"what is: in-toto statements, bare, in DSSE envelopes or Sigstore bundles; CycloneDX, SPDX, SARIF")
	}
	return a, nil
}

type subject struct {
	Digest map[string]string `json:"digest"`
}

// attach adds a document that refers to the model. One that is about another model is refused.
func (a *Artifact) attach(x Attachment, sums []gguf.FileHash) error {
	own := []string{gguf.TogetherSHA256(sums), a.Manifest.Digest.Encoded()}
	for _, s := range sums {
		own = append(own, s.SHA256)
	}
	if len(x.subjects) > 0 && !slices.ContainsFunc(x.subjects, func(s string) bool { return s != "" && slices.Contains(own, s) }) {
		return hint.Wrap(fmt.Errorf("%w: %s: is about another model: its subject has the SHA-256 %s, this one has %s", gguf.ErrInput, x.Name, x.subjects[0], own[0]),
			"gate or report this file again")
	}
	layer := a.add(blob{Descriptor: descriptor(x.Type, x.Content), content: x.Content})
	layer.Annotations = map[string]string{ocispec.AnnotationTitle: x.Name}
	m := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, ArtifactType: x.Type,
		Config: a.add(blob{Descriptor: ocispec.DescriptorEmptyJSON, content: ocispec.DescriptorEmptyJSON.Data}),
		Layers: []ocispec.Descriptor{layer}, Subject: &ocispec.Descriptor{MediaType: a.Manifest.MediaType, Digest: a.Manifest.Digest, Size: a.Manifest.Size},
	}
	m.Config.Data = nil
	if x.predicate != "" {
		m.Annotations = map[string]string{predicateAnnotation: x.predicate}
		layer.Annotations[predicateAnnotation] = x.predicate
	}
	d, err := a.manifest(m)
	a.Attached = append(a.Attached, Attached{x.Name, layer.Size, d})
	return err
}
