// Command carat converts checkpoints to GGUF, quantizes them and measures what that cost.
//
// One file per verb: flags become an options struct, the options go to run(ctx, ...), and the packages
// above do the work. See `carat --help`.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// Once asked for, the signal of a pipe that nobody reads is an error of the write and no longer the end.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args, streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}
