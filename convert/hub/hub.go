// Package hub finds models that are named as on the Hugging Face hub, ORG/NAME, and downloads them.
//
// Parse reads such a name, and Find looks for it in the cache that huggingface_hub and carat share, whose layout package
// hfcache describes. A model of the cache is a folder, or a GGUF file, like any other.
//
//	client, err := hub.NewClient()                       // as HF_ENDPOINT, HF_TOKEN ... say
//	pulled, err := client.Pull(ctx, ref, hub.PullOptions{})  // into the cache; what is there is not fetched again
//
// Pull lists the repository (Repo), chooses what carat reads of it (Choose), and fetches each file in ranges that several
// connections bring, into a file that keeps what an interrupted run has (partial). Only when the checksum is right the file
// gets its name. The hub names files, sizes and redirects, and is believed in none: names must stay in their folder, ranges
// must be those that were asked for, and the token goes to the hub's own host alone.
//
// Stream reads a checkpoint's weights range by range instead, for those who read them once.
//
// This is the only package that uses the network.
package hub
