// Package oci keeps models in registries of containers, and in folders laid out as OCI says.
//
//	ref, ok, err := oci.Parse("oci://ghcr.io/me/smollm2:q4_k_m")
//	a, err := oci.NewArtifact(ctx, f, oci.Contents{...})  // manifest, config, layers and what refers to them
//	c := oci.NewClient()
//	pushed, err := c.Push(ctx, ref, a, oci.PushOptions{})
//	pulled, err := c.Pull(ctx, ref, oci.PullOptions{Folder: dir})
//
// # The artifact
//
// is that of CNCF's ModelPack specification (github.com/modelpack/model-spec): an image manifest whose layers are files as they
// are, each named by annotations, and a config with what is known of the model. Docker Model Runner, RamaLama and modctl read it,
// and with the title that ORAS and Podman go by, so do these. Nothing in it depends on the time or the machine: the same model
// has the same digest.
//
// Statements and inventories about the model (in-toto, CycloneDX) are manifests of their own that name it as their subject.
//
// # What is read
//
// ModelPack's files, those of Docker Model Runner's own format and of Ollama's, and layers that any other client has given a
// file's name. Registries are not trusted: manifests are bounded, names stay in their folder, and no file has its name before its
// digest is right.
package oci
