package main

import (
	"github.com/carat-llm/carat/convert/oci"
	"github.com/carat-llm/carat/internal/display"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// pushed is push's JSON.
type pushed struct {
	Reference string       `json:"reference"`
	Digest    string       `json:"digest"`
	Bytes     int64        `json:"bytes"`
	Sent      int64        `json:"sent_bytes"`
	Files     []pushedFile `json:"files"`
	Attached  []pushedFile `json:"attached"`
	DryRun    bool         `json:"dry_run,omitempty"`
}

type pushedFile struct {
	Name   string `json:"name"`
	Type   string `json:"media_type"`
	Bytes  int64  `json:"bytes"`
	Digest string `json:"digest"` // of the layer, or of the attachment's manifest
	Sent   bool   `json:"sent"`
}

func printPushed(g global, ref oci.Ref, a *oci.Artifact, p *oci.Pushed, dry bool) error {
	out := pushed{Reference: ref.String(), Digest: string(a.Manifest.Digest), Bytes: p.Bytes, Sent: p.Sent, Files: []pushedFile{}, Attached: []pushedFile{}, DryRun: dry}
	for _, l := range a.Layers {
		out.Files = append(out.Files, pushedFile{l.Annotations[ocispec.AnnotationTitle], l.MediaType, l.Size, string(l.Digest), p.New[string(l.Digest)]})
		if dry {
			out.Bytes += l.Size
		}
	}
	for _, x := range a.Attached {
		d := x.Manifest
		out.Attached = append(out.Attached, pushedFile{x.Name, d.ArtifactType, x.Bytes, string(d.Digest), p.New[string(d.Digest)]})
	}
	switch {
	case g.json:
		return printJSON(g.out, out)
	case g.quiet:
		return nil
	}
	t := newTable(g.out)
	t.row("file", "     size", "media type", "")
	how := func(sent bool) string {
		switch {
		case dry:
			return ""
		case sent:
			return "sent"
		}
		return "was there"
	}
	for _, f := range out.Files {
		t.row(f.Name, size(f.Bytes), f.Type, how(f.Sent))
	}
	for _, f := range out.Attached {
		t.row("attached: "+f.Name, size(f.Bytes), f.Type, how(f.Sent))
	}
	t.flush()
	if dry {
		printf(g.out, "\n%d files, %s, nothing was sent\n", len(out.Files), display.Bytes(out.Bytes))
	} else {
		printf(g.out, "\n%d files, %s, %s sent\n", len(out.Files), display.Bytes(out.Bytes), display.Bytes(out.Sent))
	}
	printf(g.out, "%s\n%s\n", ref, ref.At(out.Digest))
	return nil
}

// pulledOCI is pull's JSON for a registry.
type pulledOCI struct {
	Reference string          `json:"reference"`
	Digest    string          `json:"digest"`
	Path      string          `json:"path"` // of the GGUF file, or of the folder
	Bytes     int64           `json:"bytes"`
	Fetched   int64           `json:"fetched_bytes"`
	Files     []pulledOCIFile `json:"files"`
	Left      []string        `json:"left_out,omitempty"` // media types of layers without a name
}

type pulledOCIFile struct {
	Name    string `json:"name"`
	Type    string `json:"media_type"`
	Digest  string `json:"digest"`
	Bytes   int64  `json:"bytes"`
	Fetched bool   `json:"fetched"`
}

func printPulledOCI(g global, ref oci.Ref, p *oci.Pulled) error {
	path, err := p.Model(ref)
	if err != nil {
		path = p.Folder // it has none, and was asked for all the same
	}
	out := pulledOCI{ref.String(), p.Digest, path, p.Bytes, p.Fetched, []pulledOCIFile{}, p.Unknown}
	for _, f := range p.Files {
		out.Files = append(out.Files, pulledOCIFile(f))
	}
	switch {
	case g.json:
		return printJSON(g.out, out)
	case g.quiet:
		return nil
	}
	t := newTable(g.out)
	t.row("file", "     size", "media type", "")
	for _, f := range out.Files {
		t.row(f.Name, size(f.Bytes), f.Type, fetchedOr(f.Fetched))
	}
	t.flush()
	printf(g.out, "\n%d files, %s, %s fetched, digest %s\n%s\n", len(out.Files), display.Bytes(out.Bytes), display.Bytes(out.Fetched), out.Digest, path)
	return nil
}
