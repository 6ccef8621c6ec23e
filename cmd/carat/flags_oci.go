package main

import (
	"github.com/carat-llm/carat/convert/oci"
	"github.com/urfave/cli/v2"
)

func plainHTTPFlag() cli.Flag {
	return &cli.BoolFlag{Name: "plain-http", Usage: "ask the registry without TLS: anybody in between can read and change everything; by default registries of this machine alone"}
}

// plainHTTP is nil where nothing is said of it.
func plainHTTP(c *cli.Context) *bool {
	if !c.IsSet("plain-http") {
		return nil
	}
	v := c.Bool("plain-http")
	return &v
}

// ociRef reads the name of a registry's model, or of a layout's.
func ociRef(arg string) (oci.Ref, error) {
	ref, ok, err := oci.Parse(arg)
	if err != nil {
		return ref, usagef("%v", err)
	}
	if !ok {
		return ref, usagef("expected oci://HOST/NAME[:TAG], or oci:FOLDER[:TAG] (got %q)", arg)
	}
	return ref, nil
}

func ociClient(g global, plainHTTP *bool) *oci.Client {
	c := oci.NewClient()
	c.Note, c.PlainHTTP = g.note, plainHTTP
	return c
}
