// Schema writes docs/report.schema.json, the JSON schema of reports, from the Go types and their comments:
//
//	go generate ./eval/report
//
// What a schema cannot say, that sums agree and names refer to something, is checked by report.Validate.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: schema EVAL OUT.json, where EVAL is the folder of the packages that reports are made of")
		os.Exit(2)
	}
	b, err := generate(os.Args[1])
	if err == nil {
		err = os.WriteFile(os.Args[2], b, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "schema:", err)
		os.Exit(1)
	}
}
