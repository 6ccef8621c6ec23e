package gate_test

import (
	"fmt"
	"log"
	"strings"

	"github.com/carat-llm/carat/eval/gate"
)

// A policy is read strictly: what is missing or misspelt is an error with its line.
func ExampleParse() {
	p, err := gate.Parse("policy.yaml", strings.NewReader(`
version: 1
gates:
  - {id: kld, metric: kld.mean, op: "<=", value: 0.05}
`))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p.Gates[0].ID, p.Gates[0].Metric, p.Profile)

	_, err = gate.Parse("policy.yaml", strings.NewReader("version: 2"))
	fmt.Println(err)
	// Output:
	// kld kld.mean pr
	// bad policy: policy.yaml: line 1: version: found "2", expected one of 1
}
