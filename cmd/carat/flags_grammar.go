package main

import (
	"fmt"

	"github.com/carat-llm/carat/internal/inputfile"
	"github.com/carat-llm/carat/runtime/grammar"
	"github.com/urfave/cli/v2"
)

// grammarFlags say what form a generated text has.
func grammarFlags() []cli.Flag {
	return group(samplingGroup,
		&cli.StringFlag{Name: "json-schema", Usage: "`FILE` write JSON of this schema, and nothing else"},
		&cli.StringFlag{Name: "grammar", Usage: "`FILE` write a text of this grammar (GBNF, as in llama.cpp)"})
}

// grammarOf is the grammar of grammarFlags, nil without.
func grammarOf(c *cli.Context) (*grammar.Grammar, error) {
	schema, rules := c.String("json-schema"), c.String("grammar")
	parse, path := grammar.FromSchema, schema
	switch {
	case schema == "" && rules == "":
		return nil, nil
	case schema != "" && rules != "":
		return nil, usagef("--json-schema and --grammar exclude each other")
	case rules != "":
		parse, path = func(b []byte) (*grammar.Grammar, error) { return grammar.Parse(string(b)) }, rules
	}
	b, err := inputfile.ReadText(path, grammar.MaxText)
	if err != nil {
		return nil, err
	}
	g, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return g, nil
}
