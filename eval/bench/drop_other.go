//go:build !linux

package bench

import "fmt"

// DropCache is not possible on this system.
func DropCache(...string) error { return fmt.Errorf("%w on this system", ErrNotDropped) }
