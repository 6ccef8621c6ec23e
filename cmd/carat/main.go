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
	ctx, stop := interruptible(context.Background())
	code := run(ctx, os.Args, streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// interruptible returns a context that the first Ctrl-C or SIGTERM cancels, so that what is under way is cleaned up.
// The second one ends the process at once, whatever it waits for: nothing is even printed, which could wait as well.
func interruptible(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitInterrupted)
	}()
	return ctx, func() { signal.Stop(signals); cancel() }
}
