//go:build amd64.v3 || arm64

package kernel

// fma32 is fmaPlain. Go's compiler makes one instruction of this sum on processors that have it, which the tests hold it to.
// Inlined, the product could be shared with another one, and be rounded.
//
//go:noinline
func fma32(a, b, c float32) float32 { return a*b + c }
