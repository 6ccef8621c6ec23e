//go:build !gc || (!amd64 && !arm64) || noasm || purego

package cpu

// Pause does nothing: this binary has no instruction for it.
func Pause() {}
