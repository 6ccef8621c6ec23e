package oci

import (
	"fmt"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// The media types of ModelPack: https://github.com/modelpack/model-spec/blob/main/docs/spec.md
const (
	modelType  = "application/vnd.cncf.model.manifest.v1+json"
	configType = "application/vnd.cncf.model.config.v1+json"

	// Weights is a layer with weights.
	Weights = "application/vnd.cncf.model.weight.v1.raw"
	// WeightsConfig is one with what belongs to them, as a chat template.
	WeightsConfig = "application/vnd.cncf.model.weight.config.v1.raw"
	// Doc is one with documentation: model card and license.
	Doc = "application/vnd.cncf.model.doc.v1.raw"
)

const (
	pathAnnotation = "org.cncf.model.filepath"
	unpack         = "io.deis.oras.content.unpack" // of ORAS: the layer is a folder, packed

	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// names are what layers are called that have no name of their own, by their media types.
var names = map[string]string{
	Weights:       "model.gguf",
	WeightsConfig: "config.json",
	Doc:           "README.md",
	// Docker Model Runner: https://github.com/docker/model-runner/blob/main/pkg/distribution/types/config.go
	"application/vnd.cncf.model.weight.v1.gguf":        "model.gguf",
	"application/vnd.cncf.model.weight.v1.safetensors": "model.safetensors",
	"application/vnd.docker.ai.gguf.v3":                "model.gguf",
	"application/vnd.docker.ai.safetensors":            "model.safetensors",
	"application/vnd.docker.ai.mmproj":                 "mmproj.gguf",
	"application/vnd.docker.ai.license":                "LICENSE",
	"application/vnd.docker.ai.chat.template.jinja":    "chat_template.jinja",
	// Ollama
	"application/vnd.ollama.image.model":     "model.gguf",
	"application/vnd.ollama.image.projector": "mmproj.gguf",
	"application/vnd.ollama.image.adapter":   "adapter.gguf",
	"application/vnd.ollama.image.license":   "LICENSE",
	"application/vnd.ollama.image.template":  "template",
	"application/vnd.ollama.image.system":    "system",
	"application/vnd.ollama.image.params":    "params.json",
}

// packed reports whether a layer is an archive, not a file.
func packed(d ocispec.Descriptor) bool {
	for _, end := range []string{".tar", "+gzip", "+zstd", ".gzip"} {
		if strings.HasSuffix(d.MediaType, end) {
			return true
		}
	}
	return d.Annotations[unpack] == "true"
}

// nameOf is what the file of a layer is called, "" if nothing says so.
func nameOf(d ocispec.Descriptor) string {
	for _, key := range []string{pathAnnotation, ocispec.AnnotationTitle} {
		if name := d.Annotations[key]; name != "" {
			return name
		}
	}
	return names[d.MediaType]
}

// numbered gives the layers that share a name of ours one each: model-00001-of-00002.gguf, LICENSE-2.
func numbered(name string, i, n int) string {
	stem, isModel := strings.CutSuffix(name, ".gguf")
	switch {
	case n == 1:
		return name
	case isModel:
		return fmt.Sprintf("%s-%05d-of-%05d.gguf", stem, i+1, n)
	case i == 0:
		return name
	}
	return fmt.Sprintf("%s-%d", name, i+1)
}
