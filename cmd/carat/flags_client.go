package main

import (
	"strings"

	"github.com/carat-llm/carat/quantize/clients"
	"github.com/urfave/cli/v2"
)

// clientFlag names the programs that must read the output.
func clientFlag() cli.Flag {
	return &cli.StringFlag{Name: "for", Category: typesGroup,
		Usage: "`CLIENT,...` fail if one of these does not read the types or the architecture: " + strings.Join(clients.Names(), ", ")}
}

func clientOptions(c *cli.Context) ([]clients.Client, error) {
	if !c.IsSet("for") {
		return nil, nil
	}
	list, err := clients.Parse(c.String("for"))
	if err != nil {
		return nil, usagef("--for: %w", err)
	}
	return list, nil
}
