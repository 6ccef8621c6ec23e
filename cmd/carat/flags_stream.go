package main

import (
	"os"

	"github.com/carat-llm/carat/convert"
	"github.com/carat-llm/carat/convert/hub"
	"github.com/urfave/cli/v2"
)

// streamFlag is for verbs that read weights once, from front to back, or headers alone.
func streamFlag() []cli.Flag {
	return group(sourceGroup, &cli.BoolFlag{Name: "stream", Usage: "the model is ORG/NAME, or ORG/NAME:FILE.gguf: read its weights from the Hugging Face hub range by range, and keep no copy"})
}

// headersOnly are the verbs that read no weights.
var headersOnly = map[string]bool{"inspect": true, "plan": true}

// checkStream refuses what needs more than one reading, or the files themselves.
func checkStream(c *cli.Context, arg string) (hub.Ref, error) {
	if _, err := os.Lstat(arg); err == nil {
		return hub.Ref{}, usagef("--stream has no effect: %s is on this machine", arg)
	}
	for flag, why := range map[string]string{
		"eval": "measuring reads the original again and again", "calibration": "the model is run for it", "target-size": "weights are read again and again for it", "target-bpw": "weights are read again and again for it", "fits": "weights are read again and again for it", "max-kld": "weights are read again and again for it", "hash": "every byte is read for it", "manifest": "checksums of files need whole files", "manifest-metadata": "checksums of files need whole files",
	} {
		if c.IsSet(flag) {
			return hub.Ref{}, hinted(usagef("--%s cannot be combined with --stream: %s", flag, why), "carat pull "+quoted(arg))
		}
	}
	ref, ok, err := hub.Parse(arg)
	if err == nil && !ok {
		err = usagef("--stream takes the name of a model on the hub, ORG/NAME (got %q)", arg)
	}
	return ref, err
}

// streamed fetches, if --stream says so, the small files of the model and has its weights read on the hub: arg becomes the
// folder of the former, or the name of a GGUF file, and o opens the latter.
func streamed(c *cli.Context, g global, arg *string, o *convert.Options) error {
	if !c.Bool("stream") {
		return nil
	}
	ref, err := checkStream(c, *arg)
	if err != nil {
		return err
	}
	client, err := hub.NewClient()
	if err != nil {
		return err
	}
	client.Note = g.note
	b := newBar(g, "pull "+ref.String())
	m, err := client.Stream(c.Context, ref, hub.PullOptions{Progress: b.update, Headers: headersOnly[c.Command.Name]})
	b.finish()
	if err != nil {
		return err
	}
	if headersOnly[c.Command.Name] {
		*arg, o.Weights = m.Path, m.Weights
		return nil
	}
	g.note("weights are read range by range, so that their checksums cannot be compared with the hub's; carat pull does that")
	*arg, o.Weights = m.Path, m.Weights
	return nil
}
