package oci

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/carat-llm/carat/convert/fetch"
	"github.com/carat-llm/carat/gguf"
	"github.com/carat-llm/carat/internal/hint"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// layerFile is a layer and what its file is called.
type layerFile struct {
	ocispec.Descriptor
	name string
}

// filesOf decides which layers of a manifest are files. The media types of others are returned as unknown.
func filesOf(m *ocispec.Manifest, where string) (files []layerFile, unknown []string, err error) {
	nameless := map[string]int{}
	for _, d := range m.Layers {
		if n := nameOf(d); n != "" && !named(d) {
			nameless[n]++
		}
	}
	given := map[string]int{}
	total := int64(0)
	for _, d := range m.Layers {
		name := nameOf(d)
		switch {
		case packed(d):
			return nil, nil, hint.Wrap(fmt.Errorf("%w: %s: the layer %q is an archive (%s), which carat does not unpack", gguf.ErrInput, where, name, d.MediaType),
				"pull it with modctl, oras or docker, and give the folder to carat")
		case name == "":
			unknown = append(unknown, d.MediaType)
			continue
		case !named(d):
			i := given[name]
			given[name]++
			name = numbered(name, i, nameless[name])
		}
		if first, _, _ := strings.Cut(name, "/"); !fetch.PlainPath(name) || strings.EqualFold(first, partials) {
			return nil, nil, fmt.Errorf("%w: %s: a layer is called %q, which could be written outside its folder", gguf.ErrInput, where, name)
		}
		if d.Digest.Validate() != nil || d.Size < 0 || d.Size > math.MaxInt64-total {
			return nil, nil, fmt.Errorf("%w: %s: %s: the manifest has no valid digest and size of it (%q, %d bytes)", gguf.ErrInput, where, name, d.Digest, d.Size)
		}
		total += d.Size
		for _, f := range files {
			if strings.EqualFold(f.name, name) || strings.HasPrefix(f.name, name+"/") || strings.HasPrefix(name, f.name+"/") {
				return nil, nil, fmt.Errorf("%w: %s: two layers are called %q and %q", gguf.ErrInput, where, f.name, name)
			}
		}
		files = append(files, layerFile{d, name})
	}
	slices.Sort(unknown)
	return files, slices.Compact(unknown), nil
}

// named reports whether a layer has a name of its own.
func named(d ocispec.Descriptor) bool {
	return d.Annotations[pathAnnotation] != "" || d.Annotations[ocispec.AnnotationTitle] != ""
}
