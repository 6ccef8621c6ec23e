// Package hugemem gives large pieces of memory outside of Go's heap, in huge pages where the system has them: reading all of
// a model for each token then waits less often for the tables of pages.
package hugemem

import "runtime"

// Least is the size below which a piece comes from Go's heap.
const Least = 4 << 20

// Bytes returns n zero bytes, large pieces aligned to a page. They are given back when owner is garbage, so that owner must be
// kept as long as they are used. (That is what makes them safe to forget, as any Go memory.)
func Bytes[T any](owner *T, n int) []byte {
	if n >= Least {
		if b := mapped(n); b != nil {
			runtime.AddCleanup(owner, unmap, b)
			return b
		}
	}
	return make([]byte, n)
}
