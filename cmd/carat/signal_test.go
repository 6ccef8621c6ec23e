package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

// stuck is a program that does not end when it is interrupted.
func stuck() {
	ctx, _ := interruptible(context.Background())
	fmt.Println("ready")
	<-ctx.Done()
	fmt.Println("cancelled")
	_, _ = io.Copy(io.Discard, os.Stdin) // the test never closes it
}
