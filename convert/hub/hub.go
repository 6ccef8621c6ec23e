// Package hub finds models that are named as on the Hugging Face hub, ORG/NAME.
//
// Parse reads such a name, and Find looks for it in the cache that huggingface_hub and carat share, whose layout package
// hfcache describes. A model of the cache is a folder, or a GGUF file, like any other.
package hub
