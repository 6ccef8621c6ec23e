package cpu

import "runtime"

// Threads is the number of goroutines that computation should have: one for each physical core that this process may
// use, since hyper-threads share the units that kernels fill.
func Threads() int {
	n := runtime.GOMAXPROCS(0)
	if p := Cores(); p > 0 && p < n {
		return p
	}
	return n
}
