//go:build !linux

package main

// physicalCores is not known here without a system library: all logical processors are used.
func physicalCores() int { return 0 }
