package main

import (
	"io"
)

// showConfigHelp shows what files of defaults are.
func showConfigHelp(out io.Writer, json bool) error {
	var h helpText
	h.prose(configHelp)
	if json {
		return printJSON(out, map[string]string{"topic": "config", "text": h.String()})
	}
	_, err := io.WriteString(out, h.String())
	return err
}

// configHelp is carat help config.
const configHelp = `carat help config - defaults of flags

A file carat.yaml holds values for flags that you would otherwise give each time: a line VERB:, and under it a line FLAG: VALUE for
each flag, by its long name without dashes. Under all: stand flags for every verb that has them.

EXAMPLE:
   all:
     threads: 4
   build:
     type: Q4_K_M
     imatrix: imatrix.gguf
   eval:
     text: [wiki=wiki.txt, code=code.txt]
     compute: fast

Two files are read: carat.yaml in the current folder, and carat.yaml in your configuration folder
($XDG_CONFIG_HOME/carat, by default ~/.config/carat; on macOS ~/Library/Application Support/carat, on Windows %AppData%\carat).
The command line wins over the environment, the environment over the current folder's file, and that over yours; within a file
a verb's own lines win over all:. A switch that a file turns on is turned off by --FLAG=false.

A verb or a flag that carat does not know is an error with file and line, whatever verb runs. No file can set what
one command is about (--output, --in-place, --log-format). The current folder may be somebody else's, so its file cannot set
flags that name files to write, programs to run or addresses to serve: yours can.

A file with a line "version: 1" is the policy of a gate and holds no defaults. CARAT_CONFIG=FILE reads that file
in place of both, CARAT_CONFIG=none reads none. Paths are relative to the current folder.
`
