package main

import (
	"github.com/carat-llm/carat/convert"
	"github.com/urfave/cli/v2"
)

// checkpointFlags are those of the verbs that make models of checkpoint folders.
func checkpointFlags() []cli.Flag {
	return append(group(adapterGroup,
		&cli.StringSliceFlag{Name: loraFlag, Usage: "`DIR[=SCALE]` merge the adapter (LoRA, as PEFT saves it) into the weights, SCALE times"}),
		group(sourceGroup, &cli.BoolFlag{Name: denseFlag, Usage: "keep the layers behind the pooling of EmbeddingGemma"},
			&cli.BoolFlag{Name: "pooler", Usage: "keep the pooler of BERT's classifiers and rerankers, whose scores need it"})...)
}

const denseFlag = "sentence-transformers-dense-modules" // the reference's name

// checkpointOptions are sourceOptions with checkpointFlags.
func checkpointOptions(c *cli.Context) (convert.Options, error) {
	o := sourceOptions(c)
	o.Dense, o.Pooler = c.Bool(denseFlag), c.Bool("pooler")
	var err error
	o.LoRA, err = adaptersOf(c)
	return o, err
}
